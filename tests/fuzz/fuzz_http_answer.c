/* What an HTTP server answers the client that the chat server and the bot use: one end, and never more than was wanted.
 * The first byte: is the body collected, or taken piece by piece? */
#include "common/http_client.h"
#include "fuzz_socket.h"
#include <stdio.h>

enum { MAX_ANSWER = 512 };

typedef struct {
    bool done;
    size_t bytes;
} request_t;

static void on_done(void *context, const http_answer_t *answer)
{
    request_t *request = context;
    FUZZ_CHECK(!request->done && answer->length <= MAX_ANSWER && strlen(answer->body) <= answer->length);
    FUZZ_CHECK(answer->err != ERR_OK || (answer->status >= 200 && answer->status <= 599));
    FUZZ_CHECK(answer->retry_after_ms >= -1);
    request->done = true;
}

static bool on_data(void *context, const char *data, size_t length)
{
    request_t *request = context;
    FUZZ_CHECK(!request->done && data != NULL);
    request->bytes += length;
    return data[0] != 'x'; /* enough */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uv_loop_t loop;
    static http_client_t *client;
    static int listener, port;
    static char url[64];
    if (client == NULL) {
        FUZZ_CHECK(uv_loop_init(&loop) == 0);
        listener = fuzz_listen(&port);
        client = http_client_new(&loop, 1);
        snprintf(url, sizeof url, "http://127.0.0.1:%d/x", port);
    }
    unsigned kind = fuzz_byte(&data, &size);
    request_t request = {.done = false};
    http_options_t options = {.method = kind & 1 ? "POST" : "GET", .url = url, .max_answer = MAX_ANSWER};
    options.body = kind & 1 ? "{}" : NULL;
    options.body_length = kind & 1 ? 2 : 0;
    options.on_data = kind & 2 ? on_data : NULL;
    options.on_done = on_done;
    options.context = &request;
    FUZZ_CHECK(http_client_request(client, &options) != NULL);
    int peer = -1;
    for (uint64_t end = uv_hrtime() + UINT64_C(5000000000); peer < 0;) {
        uv_run(&loop, UV_RUN_NOWAIT);
        struct timeval no_time = {0, 1};
        setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &no_time, sizeof no_time);
        peer = accept(listener, NULL, NULL);
        FUZZ_CHECK(uv_hrtime() < end);
    }
    (void)!send(peer, data, size, MSG_NOSIGNAL);
    shutdown(peer, SHUT_WR);
    fuzz_run(&loop, &request.done);
    fuzz_close(peer);
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT); /* the connection that was kept is seen to be gone */
    return 0;
}
