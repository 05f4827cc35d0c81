/* The message API's own HTTP server, routes and gate, with bytes from a socket; the handlers answer at once what they
 * have read. Whatever comes, what goes back is whole answers in JSON, and nothing stays behind. */
#include "common/alloc.h"
#include "fuzz_socket.h"
#include "message_api/answers.h"
#include "message_api/api.h"
#include "message_api/http_server.h"
#include "message_api/request_reader.h"
#include <errno.h>
#include <stdio.h>

enum { MAX_BYTES = 256, BODY_BYTES = 2048, QUIET_TURNS = 12 };

static void answer_with(http_call_t *call, details_t *details, bool good)
{
    buffer_t json;
    if (!good) {
        answer_details(call, details);
        return;
    }
    details_free(details);
    buffer_init(&json, 0);
    answer_json(call, &json, buffer_append_text(&json, "{}"));
}

static void handle_message(http_call_t *call)
{
    message_t message;
    details_t details;
    cJSON *body = api_body(call);
    if (body == NULL)
        return;
    details_init(&details);
    bool good = request_read_message(body, MAX_BYTES, &message, &details);
    if (good)
        message_free(&message);
    answer_with(call, &details, good);
    cJSON_Delete(body);
}

static void handle_mailbox(http_call_t *call)
{
    static const query_integer_t epoch_query = {"epoch", 1, REQUEST_WHOLE_MAX, true, 0};
    static const query_integer_t limit_query = {"limit", 1, STORE_MAX_PAGE, false, STORE_MAX_PAGE};
    char username[USERNAME_SIZE];
    int64_t epoch = 1, limit = 1;
    details_t details;
    details_init(&details);
    bool good = request_read_path_username(call->parameter, call->parameter_length, username, &details);
    good = request_read_query(&epoch_query, http_call_query(call, "epoch"), &epoch, &details) && good;
    good = request_read_query(&limit_query, http_call_query(call, "limit"), &limit, &details) && good;
    if (good)
        FUZZ_CHECK(epoch >= 1 && epoch <= REQUEST_WHOLE_MAX && limit >= 1 && limit <= STORE_MAX_PAGE);
    answer_with(call, &details, good);
}

static const route_t routes[] = {
    {"POST", "/messages", handle_message, ROUTE_BODY, false},
    {"GET", "/v1/mailboxes/{username}", handle_mailbox, ROUTE_NO_BODY, false},
    {"GET", "/token", handle_mailbox, ROUTE_NO_BODY, true},
};

static http_server_t *open_server(uv_loop_t *loop)
{
    static api_t api = {.max_message_bytes = MAX_BYTES};
    static const http_options_t options = {
        .host = "127.0.0.1",
        .token = "sesame",
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .body_bytes = {[ROUTE_BODY] = BODY_BYTES, [ROUTE_BATCH] = BODY_BYTES},
        .all_body_bytes = 4 * BODY_BYTES,
        .all_answer_bytes = 1024 * 1024,
        .connections = 100,
        .context = &api,
    };
    http_server_t *server;
    FUZZ_CHECK(uv_loop_init(loop) == 0 && http_server_open(loop, &options, &server) == ERR_OK);
    return server;
}

/* Whole answers behind one another, each with a length and a body in JSON. */
static void check_answers(char *text)
{
    while (*text != '\0') {
        int status = 0;
        char *end = strstr(text, "\r\n\r\n"), *length_line = strcasestr(text, "\r\nContent-Length: ");
        FUZZ_CHECK(sscanf(text, "HTTP/1.%*1[01] %d ", &status) == 1 && status >= 100 && status < 600 &&
                   end != NULL);
        const char *type_line = strstr(text, "\r\nContent-Type: application/json");
        if (status >= MHD_HTTP_BAD_REQUEST && (type_line == NULL || type_line > end))
            return; /* libmicrohttpd writes the heads of its own refusals twice; nothing comes behind them */
        size_t length = length_line != NULL && length_line < end ? strtoul(length_line + 18, NULL, 10) : 0;
        text = end + 4;
        FUZZ_CHECK(strlen(text) >= length);
        if (text[0] == '{') {
            cJSON *json = json_parse(text, length);
            FUZZ_CHECK(json != NULL);
            cJSON_Delete(json);
        }
        text += length;
    }
}

/* What comes back, until nothing more does. */
static void hear(int peer, uv_loop_t *loop, buffer_t *got)
{
    char piece[4096];
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        ssize_t count = recv(peer, piece, sizeof piece, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN))
            return;
        if (count > 0) {
            buffer_append(got, piece, (size_t)count);
            quiet = 0;
        }
        uv_run(loop, UV_RUN_NOWAIT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uv_loop_t loop;
    static http_server_t *server;
    if (server == NULL)
        server = open_server(&loop);
    int peer = fuzz_connect(http_server_port(server));
    size_t half = size / 2; /* in two pieces */
    buffer_t got;
    buffer_init(&got, 0);
    (void)!send(peer, data, half, MSG_NOSIGNAL);
    uv_run(&loop, UV_RUN_NOWAIT);
    (void)!send(peer, data + half, size - half, MSG_NOSIGNAL);
    hear(peer, &loop, &got);
    if (memchr(buffer_text(&got), '\0', got.length) == NULL && got.length > 0)
        check_answers(got.data);
    fuzz_close(peer);
    for (uint64_t end = uv_hrtime() + UINT64_C(5000000000); server->connections.count > 0;) {
        uv_run(&loop, UV_RUN_NOWAIT);
        FUZZ_CHECK(uv_hrtime() < end);
    }
    FUZZ_CHECK(server->body_bytes == 0 && server->answer_bytes == 0);
    buffer_free(&got);
    return 0;
}
