#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/http_client.h"
#include "loop_world.h"
#include <stdio.h>
#include <time.h>

enum { MOST_REQUESTS = 16 };

typedef struct owner owner_t;

typedef struct {
    owner_t *owner;
    http_request_t *request;
    int calls, status;
    err_t err;
    buffer_t body, pieces; /* of the answer; of on_data */
    int64_t retry_after_ms;
    void (*in_done)(owner_t *owner);
    void (*in_data)(owner_t *owner); /* at the first piece */
    bool cut;                        /* on_data says false */
} request_t;

struct owner {
    world_t world;
    peer_t peer;
    http_client_t *client;
    request_t requests[MOST_REQUESTS];
    bool inside;
    /* The server: what it answers to whom asks, and what it saw. */
    const char *answer;
    bool close_behind;
    buffer_t seen;
    unsigned answered, at_once, most_at_once;
    bool hold; /* answers nothing */
};

/* Has the request that stands in the connection come whole? */
static bool is_whole(const buffer_t *got)
{
    const char *end = strstr(buffer_text(got), "\r\n\r\n");
    const char *length = strcasestr(buffer_text(got), "content-length:");
    return end != NULL &&
           got->length >= (size_t)(end + 4 - got->data) + (length ? strtoul(length + 15, NULL, 10) : 0);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    (void)status;
    free(request);
}

static void answer(connection_t *connection)
{
    owner_t *owner = connection->peer->listener.loop->data;
    connection_say(connection, owner->answer);
    owner->answered++;
    owner->at_once--;
    if (owner->close_behind) { /* when it is written */
        uv_shutdown_t *request = alloc_new(uv_shutdown_t);
        if (uv_shutdown(request, (uv_stream_t *)&connection->tcp, on_shut) != 0)
            free(request);
    }
}

static void on_bytes(connection_t *connection)
{
    owner_t *owner = connection->peer->listener.loop->data;
    if (!is_whole(&connection->got))
        return;
    buffer_append(&owner->seen, connection->got.data, connection->got.length);
    buffer_clear(&connection->got);
    if (++owner->at_once > owner->most_at_once)
        owner->most_at_once = owner->at_once;
    if (!owner->hold)
        answer(connection);
}

static void start(owner_t *owner, const char *text)
{
    *owner = (owner_t){.answer = text};
    world_init(&owner->world);
    owner->world.loop.data = owner;
    peer_listen(&owner->peer, &owner->world.loop, 0);
    owner->peer.on_bytes = on_bytes;
    buffer_init(&owner->seen, 0);
    owner->client = http_client_new(&owner->world.loop, 2);
    for (int i = 0; i < MOST_REQUESTS; i++) {
        owner->requests[i].owner = owner;
        buffer_init(&owner->requests[i].body, 0);
        buffer_init(&owner->requests[i].pieces, 0);
    }
}

static void free_client(owner_t *owner)
{
    http_client_free(owner->client);
    owner->client = NULL;
}

static void finish(owner_t *owner)
{
    free_client(owner);
    peer_close(&owner->peer);
    world_close(&owner->world);
    buffer_free(&owner->seen);
    for (int i = 0; i < MOST_REQUESTS; i++) {
        buffer_free(&owner->requests[i].body);
        buffer_free(&owner->requests[i].pieces);
        assert_true(owner->requests[i].calls <= 1);
    }
}

static void on_done(void *context, const http_answer_t *answered)
{
    request_t *request = context;
    assert_false(request->owner->inside);
    assert_int_equal(strlen(answered->body), answered->length);
    request->calls++;
    request->err = answered->err;
    request->status = answered->status;
    request->retry_after_ms = answered->retry_after_ms;
    buffer_append(&request->body, answered->body, answered->length);
    if (request->in_done)
        request->in_done(request->owner);
}

static bool on_data(void *context, const char *data, size_t length)
{
    request_t *request = context;
    bool first = request->pieces.length == 0;
    assert_int_equal(request->calls, 0);
    buffer_append(&request->pieces, data, length);
    if (first && request->in_data)
        request->in_data(request->owner);
    return !request->cut;
}

static http_options_t options_for(owner_t *owner, int number)
{
    static char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/path?n=%d", owner->peer.port, number);
    return (http_options_t){
        .method = "GET", .url = url, .on_done = on_done, .context = &owner->requests[number]};
}

static request_t *ask_with(owner_t *owner, const http_options_t *options, int number)
{
    owner->inside = true;
    owner->requests[number].request = http_client_request(owner->client, options);
    owner->inside = false;
    return &owner->requests[number];
}

static request_t *ask(owner_t *owner, int number)
{
    http_options_t options = options_for(owner, number);
    request_t *request = ask_with(owner, &options, number);
    assert_non_null(request->request);
    return request;
}

static void wait_for(owner_t *owner, const request_t *request)
{
    RUN_UNTIL(&owner->world, request->calls > 0);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void test_get_and_post(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OK_ANSWER);
    request_t *request = ask(&owner, 0);
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_OK);
    assert_int_equal(request->status, 200);
    assert_string_equal(buffer_text(&request->body), "hello");
    assert_int_equal(request->retry_after_ms, -1);
    const char *seen = buffer_text(&owner.seen);
    assert_memory_equal(seen, "GET /path?n=0 HTTP/1.1\r\n", 24);
    assert_non_null(strstr(seen, "Accept: application/json\r\n"));
    assert_null(strstr(seen, "Authorization"));
    assert_null(strstr(seen, "Expect"));

    buffer_clear(&owner.seen);
    char body[] = "{\"a\":1}", token[] = "secret";
    http_options_t options = options_for(&owner, 1);
    options.method = "POST";
    options.body = body;
    options.body_length = strlen(body);
    options.bearer = token;
    options.accept = "text/event-stream";
    request = ask_with(&owner, &options, 1);
    memset(body, 'x', strlen(body)); /* they were copied */
    memset(token, 'x', strlen(token));
    wait_for(&owner, request);
    assert_int_equal(request->status, 200);
    seen = buffer_text(&owner.seen);
    assert_memory_equal(seen, "POST /path?n=1 HTTP/1.1\r\n", 25);
    assert_non_null(strstr(seen, "Accept: text/event-stream\r\n"));
    assert_non_null(strstr(seen, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "Authorization: Bearer secret\r\n"));
    assert_string_equal(strstr(seen, "\r\n\r\n") + 4, "{\"a\":1}");
    assert_int_equal(owner.peer.accepted, 1); /* kept alive */
    finish(&owner);
}

static void test_answers_in_all_forms(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool close;
        err_t err;
        int status;
        const char *body;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", false,
         ERR_OK, 200, "abcde"},
        {"HTTP/1.1 200 OK\r\n\r\nto the end", true, ERR_OK, 200, "to the end"},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, ERR_OK, 204, ""},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER, false, ERR_OK, 200, "hello"},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}", false, ERR_OK, 503, "{}"},
        {"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", false, ERR_OK, 302, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true, ERR_IO, 200, NULL},
        {"HTTP/21.1 429 Too Many\r\n\r\n", true, ERR_IO, 0, NULL}, /* the library reads a status of 1 */
        {"HTTP/2 8111\r\n\r\n", true, ERR_IO, 0, NULL},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", true, ERR_IO, 200, NULL},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", true, ERR_IO, 200, NULL},
        {"", true, ERR_IO, 0, ""},
        {"SSH-2.0-OpenSSH_9.2\r\n", true, ERR_IO, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        owner_t owner;
        start(&owner, cases[i].answer);
        owner.close_behind = cases[i].close;
        request_t *request = ask(&owner, 0);
        wait_for(&owner, request);
        if (request->err != cases[i].err || request->status != cases[i].status)
            fail_msg("case %zu: %s, %d", i, err_code(request->err), request->status);
        if (cases[i].body)
            assert_string_equal(buffer_text(&request->body), cases[i].body);
        finish(&owner);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        for (size_t limit = 4; limit <= 5; limit++) {
            for (int streams = 0; streams <= 1; streams++) {
                owner_t owner;
                start(&owner, answers[i]);
                http_options_t options = options_for(&owner, 0);
                options.max_answer = limit;
                options.on_data = streams ? on_data : NULL;
                request_t *request = ask_with(&owner, &options, 0);
                wait_for(&owner, request);
                assert_int_equal(request->err, limit == 4 ? ERR_TOO_LONG : ERR_OK);
                assert_true(request->pieces.length <= limit && request->body.length <= limit);
                finish(&owner);
            }
        }
    }
}

static void test_streams(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    http_options_t options = options_for(&owner, 0);
    options.on_data = on_data;
    request_t *request = ask_with(&owner, &options, 0);
    RUN_UNTIL(&owner.world, request->pieces.length == 3); /* as it comes, not at the end */
    assert_int_equal(request->calls, 0);
    connection_say(owner.peer.connections, "2\r\nde\r\n0\r\n\r\n");
    wait_for(&owner, request);
    assert_string_equal(buffer_text(&request->pieces), "abcde");
    assert_string_equal(buffer_text(&request->body), "");
    assert_int_equal(request->err, ERR_OK);
    /* What an error says is collected. */
    owner.answer = "HTTP/1.1 429 Slow\r\nContent-Length: 4\r\n\r\nslow";
    options = options_for(&owner, 1);
    options.on_data = on_data;
    request = ask_with(&owner, &options, 1);
    wait_for(&owner, request);
    assert_int_equal(request->pieces.length, 0);
    assert_string_equal(buffer_text(&request->body), "slow");
    /* Whoever wants no more gets no more. */
    owner.answer = OK_ANSWER;
    options = options_for(&owner, 2);
    options.on_data = on_data;
    owner.requests[2].cut = true;
    request = ask_with(&owner, &options, 2);
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_CLOSED);
    finish(&owner);
}

static void test_times(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"); /* and then nothing */
    http_options_t options = options_for(&owner, 0);
    options.idle_ms = 100;
    options.timeout_ms = 60000; /* longer than the test may take */
    request_t *request = ask_with(&owner, &options, 0);
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_TIMEOUT);
    options = options_for(&owner, 1);
    options.timeout_ms = 100;
    request = ask_with(&owner, &options, 1);
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_TIMEOUT);
    owner.hold = true;
    options = options_for(&owner, 2);
    options.timeout_ms = 100;
    request = ask_with(&owner, &options, 2);
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_TIMEOUT);
    assert_int_equal(request->status, 0);
    finish(&owner);
}

/* Bytes that come slowly are no silence. */
static void test_slow_is_not_idle(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
    http_options_t options = options_for(&owner, 0);
    options.idle_ms = 1000;
    request_t *request = ask_with(&owner, &options, 0);
    RUN_UNTIL(&owner.world, owner.answered == 1);
    for (int i = 0; i < 8; i++) {
        connection_say(owner.peer.connections, "x");
        world_run_for(&owner.world, 150);
    }
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_OK);
    assert_string_equal(buffer_text(&request->body), "xxxxxxxx");
    finish(&owner);
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t least, most;
    } cases[] = {
        {"7", 7000, 7000},
        {"0", 0, 0},
        {"soon", -1, -1},
        {"7 apples", -1, -1},
        {"-1", -1, -1},
        {"99999999999999999999", -1, -1},
        {"Sun, 22 Nov 2020 17:01:39 GMT", 0, 0},
    };
    for (size_t i = 0; i <= sizeof cases / sizeof cases[0]; i++) {
        bool is_date = i == sizeof cases / sizeof cases[0];
        char text[256], date[64];
        time_t then = time(NULL) + 100;
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
        snprintf(text, sizeof text, "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
                 is_date ? date : cases[i].value);
        owner_t owner;
        start(&owner, text);
        request_t *request = ask(&owner, 0);
        wait_for(&owner, request);
        if (is_date)
            assert_in_range(request->retry_after_ms, 60000, 100000);
        else
            assert_true(request->retry_after_ms >= cases[i].least &&
                        request->retry_after_ms <= cases[i].most);
        finish(&owner);
    }
}

static void test_nobody_there(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, "");
    int port = owner.peer.port;
    peer_close(&owner.peer);
    world_run_for(&owner.world, 10);
    request_t *request = ask(&owner, 0);
    wait_for(&owner, request);
    assert_int_equal(request->err, ERR_CONNECT);
    peer_listen(&owner.peer, &owner.world.loop, port);
    finish(&owner);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "", "not a url", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://127.0.0.1:99999/"};
    owner_t owner;
    start(&owner, OK_ANSWER);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        http_options_t options = options_for(&owner, 0);
        options.url = urls[i];
        assert_null(ask_with(&owner, &options, 0)->request);
    }
    world_run_for(&owner.world, 20);
    assert_int_equal(owner.requests[0].calls, 0);
    finish(&owner);
}

static void test_few_connections(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OK_ANSWER);
    for (int i = 0; i < MOST_REQUESTS; i++)
        ask(&owner, i);
    for (int i = 0; i < MOST_REQUESTS; i++) {
        wait_for(&owner, &owner.requests[i]);
        assert_int_equal(owner.requests[i].status, 200);
    }
    assert_int_equal(owner.answered, MOST_REQUESTS);
    assert_in_range(owner.most_at_once, 1, 2);
    assert_in_range(owner.peer.accepted, 1, 2);
    finish(&owner);
}

static void cancel_first(owner_t *owner)
{
    http_request_cancel(owner->requests[0].request);
}

static void ask_second(owner_t *owner)
{
    ask(owner, 1);
}

static void test_cancelled(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        owner_t owner;
        start(&owner, OK_ANSWER);
        ask(&owner, 0);
        ask(&owner, 1);
        for (int turn = 0; turn < turns && owner.requests[0].calls == 0; turn++)
            uv_run(&owner.world.loop, UV_RUN_NOWAIT);
        bool ended = owner.requests[0].calls > 0;
        if (!ended)
            cancel_first(&owner);
        wait_for(&owner, &owner.requests[1]);
        assert_int_equal(owner.requests[1].err, ERR_OK);
        world_run_for(&owner.world, 5);
        assert_int_equal(owner.requests[0].calls, ended);
        finish(&owner);
    }
    http_request_cancel(NULL);
}

/* libcurl must not be called inside its own callbacks; our callers may call whatever they like. */
static void test_calls_inside_events(void **state)
{
    (void)state;
    static void (*const steps[])(owner_t *) = {cancel_first, ask_second, free_client};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (int in_data = 0; in_data <= 1; in_data++) {
            owner_t owner;
            start(&owner, OK_ANSWER);
            http_options_t options = options_for(&owner, 0);
            options.on_data = on_data;
            if (in_data)
                owner.requests[0].in_data = steps[i];
            else if (steps[i] != cancel_first) /* it is not valid any more then */
                owner.requests[0].in_done = steps[i];
            ask(&owner, 2); /* another one, to be there when the client goes */
            ask_with(&owner, &options, 0);
            if (steps[i] == ask_second) {
                wait_for(&owner, &owner.requests[1]);
                assert_int_equal(owner.requests[1].err, ERR_OK);
            }
            if (steps[i] != cancel_first || !in_data)
                wait_for(&owner, &owner.requests[0]);
            wait_for(&owner, &owner.requests[2]);
            world_run_for(&owner.world, 5);
            assert_int_equal(owner.requests[0].calls, steps[i] != cancel_first || !in_data);
            if (steps[i] == free_client && in_data)
                assert_int_equal(owner.requests[0].err, ERR_CLOSED);
            finish(&owner);
        }
    }
}

static void test_freed_with_requests(void **state)
{
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        owner_t owner;
        start(&owner, OK_ANSWER);
        owner.hold = true;
        for (int i = 0; i < 6; i++)
            ask(&owner, i);
        for (int turn = 0; turn < turns; turn++)
            uv_run(&owner.world.loop, UV_RUN_NOWAIT);
        free_client(&owner);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(owner.requests[i].calls, 1); /* before it returns */
            assert_int_equal(owner.requests[i].err, ERR_CLOSED);
        }
        finish(&owner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_and_post),
        cmocka_unit_test(test_answers_in_all_forms),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_slow_is_not_idle),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_few_connections),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_calls_inside_events),
        cmocka_unit_test(test_freed_with_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
