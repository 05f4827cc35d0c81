/* The kept connection to the message API, with a peer that answers whatever the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "server/store_answer.h"
#include "server/store_link.h"
#include "tests/unit/common/loop_world.h"
#include <stdio.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\nhello"

enum { LONG_MS = 60000 };

typedef struct {
    world_t world;
    peer_t peer;
    store_link_t *link;
    const char *answer; /* NULL: holds its tongue */
    bool close_behind, close_instead;
    buffer_t seen;
    bool inside;
    int calls, status;
    err_t err;
    buffer_t body;
    void (*in_done)(void *owner);
} owner_t;

static void on_bytes(connection_t *connection)
{
    owner_t *owner = connection->peer->listener.loop->data;
    const char *end = strstr(buffer_text(&connection->got), "\r\n\r\n");
    const char *length = strstr(buffer_text(&connection->got), "Content-Length: ");
    if (end == NULL ||
        connection->got.length < (size_t)(end + 4 - connection->got.data) + strtoul(length + 16, NULL, 10))
        return;
    buffer_clear(&owner->seen);
    buffer_append(&owner->seen, connection->got.data, connection->got.length);
    buffer_clear(&connection->got);
    if (owner->close_instead) {
        owner->close_instead = false;
        connection_close(connection, true);
        return;
    }
    if (owner->answer != NULL)
        connection_say(connection, owner->answer);
    if (owner->close_behind)
        connection_close(connection, false);
}

static void start(owner_t *owner, const char *answer, const char *token)
{
    char base[64];
    *owner = (owner_t){.answer = answer};
    world_init(&owner->world);
    owner->world.loop.data = owner;
    peer_listen(&owner->peer, &owner->world.loop, 0);
    owner->peer.on_bytes = on_bytes;
    buffer_init(&owner->seen, 0);
    buffer_init(&owner->body, 0);
    snprintf(base, sizeof base, "http://127.0.0.1:%d", owner->peer.port);
    owner->link = store_link_new(&owner->world.loop, base, token);
    assert_non_null(owner->link);
}

static void finish(owner_t *owner)
{
    store_link_free(owner->link);
    peer_close(&owner->peer);
    world_close(&owner->world);
    buffer_free(&owner->seen);
    buffer_free(&owner->body);
}

static void on_done(void *context, const http_answer_t *answer)
{
    owner_t *owner = context;
    assert_false(owner->inside);
    assert_int_equal(strlen(answer->body), answer->length);
    owner->calls++;
    owner->err = answer->err;
    owner->status = answer->status;
    buffer_clear(&owner->body);
    buffer_append(&owner->body, answer->body, answer->length);
    if (owner->in_done)
        owner->in_done(owner);
}

static void post(owner_t *owner, const char *text, uint64_t timeout_ms)
{
    buffer_t body;
    buffer_init(&body, 0);
    buffer_append_text(&body, text);
    owner->inside = true;
    store_link_post(owner->link, "/v1/messages", &body, timeout_ms, on_done, owner);
    owner->inside = false;
    buffer_free(&body);
}

static void ask(owner_t *owner, uint64_t timeout_ms)
{
    int calls = owner->calls;
    post(owner, "{\"a\":1}", timeout_ms);
    RUN_UNTIL(&owner->world, owner->calls > calls);
    assert_int_equal(owner->calls, calls + 1);
}

static void test_asks_over_one_connection(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OK_ANSWER, "secret");
    for (int i = 0; i < 3; i++) {
        ask(&owner, LONG_MS);
        assert_int_equal(owner.err, ERR_OK);
        assert_int_equal(owner.status, 200);
        assert_string_equal(buffer_text(&owner.body), "hello");
        const char *seen = buffer_text(&owner.seen);
        assert_memory_equal(seen, "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:", 44);
        assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
        assert_non_null(strstr(seen, "\r\nAuthorization: Bearer secret\r\n"));
        assert_string_equal(strstr(seen, "\r\n\r\n") + 4, "{\"a\":1}");
    }
    assert_int_equal(owner.peer.accepted, 1);
    finish(&owner);
    start(&owner, OK_ANSWER, "");
    ask(&owner, LONG_MS);
    assert_null(strstr(buffer_text(&owner.seen), "Authorization"));
    finish(&owner);
}

/* More than a socket takes at once, and the call behind it. */
static void test_large_bodies(void **state)
{
    (void)state;
    enum { LARGE = 8 * 1024 * 1024 };
    owner_t owner;
    char *text = alloc_zero(LARGE + 1, 1);
    memset(text, 'x', LARGE);
    start(&owner, OK_ANSWER, "");
    for (int i = 1; i <= 2; i++) {
        post(&owner, text, LONG_MS);
        RUN_UNTIL(&owner.world, owner.calls == i);
        assert_int_equal(owner.err, ERR_OK);
        assert_string_equal(strstr(buffer_text(&owner.seen), "\r\n\r\n") + 4, text);
    }
    ask(&owner, LONG_MS);
    assert_int_equal(owner.peer.accepted, 1);
    free(text);
    finish(&owner);
}

static void test_connects_again(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OK_ANSWER, "");
    ask(&owner, LONG_MS);
    /* The connection ends while nobody asks. */
    connection_close(owner.peer.connections, false);
    world_run_for(&owner.world, 20);
    ask(&owner, LONG_MS);
    assert_int_equal(owner.err, ERR_OK);
    assert_int_equal(owner.peer.accepted, 2);
    /* It ends while the request is on its way: the next one is asked. */
    owner.close_instead = true;
    ask(&owner, LONG_MS);
    assert_int_equal(owner.err, ERR_OK);
    assert_int_equal(owner.peer.accepted, 3);
    /* The answer says that it ends. */
    owner.answer = "HTTP/1.1 503 Busy\r\ncontent-length:2\r\nCONNECTION: Close\r\n\r\n{}";
    ask(&owner, LONG_MS);
    assert_int_equal(owner.err, ERR_OK);
    assert_int_equal(owner.status, 503);
    owner.answer = OK_ANSWER;
    ask(&owner, LONG_MS);
    assert_int_equal(owner.peer.accepted, 4);
    /* What nobody asked for is no answer to the next question. */
    connection_say(owner.peer.connections, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad");
    world_run_for(&owner.world, 20);
    ask(&owner, LONG_MS);
    assert_string_equal(buffer_text(&owner.body), "hello");
    assert_int_equal(owner.peer.accepted, 5);
    owner.answer = OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
    ask(&owner, LONG_MS);
    assert_string_equal(buffer_text(&owner.body), "hello");
    owner.answer = OK_ANSWER;
    ask(&owner, LONG_MS);
    assert_string_equal(buffer_text(&owner.body), "hello");
    assert_int_equal(owner.peer.accepted, 6);
    finish(&owner);
}

static void test_what_is_no_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\rX: y\r\n\r\n{}",
        "HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 999 No\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 2 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        owner_t owner;
        start(&owner, answers[i], "");
        owner.close_behind = true;
        ask(&owner, LONG_MS);
        if (owner.err != ERR_IO)
            fail_msg("case %zu: %s", i, err_code(owner.err));
        owner.close_behind = false;
        owner.answer = OK_ANSWER;
        ask(&owner, LONG_MS);
        assert_int_equal(owner.err, ERR_OK);
        finish(&owner);
    }
}

/* In pieces of every size. */
static void test_pieces(void **state)
{
    (void)state;
    static const char whole[] = OK_ANSWER;
    store_answer_t answer;
    for (size_t length = 0; length < sizeof whole - 1; length++)
        assert_int_equal(store_answer_parse(whole, length, &answer), STORE_ANSWER_MORE);
    assert_int_equal(store_answer_parse(whole, sizeof whole - 1, &answer), STORE_ANSWER_WHOLE);
    assert_int_equal(answer.head + answer.length, sizeof whole - 1);
    char *endless = alloc_zero(STORE_ANSWER_MAX, 1);
    memset(endless, 'x', STORE_ANSWER_MAX);
    assert_int_equal(store_answer_parse(endless, STORE_ANSWER_MAX, &answer), STORE_ANSWER_BAD);
    free(endless);
}

static void test_times(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, NULL, "");
    ask(&owner, 50);
    assert_int_equal(owner.err, ERR_TIMEOUT);
    owner.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
    ask(&owner, 50);
    assert_int_equal(owner.err, ERR_TIMEOUT);
    owner.answer = OK_ANSWER;
    ask(&owner, LONG_MS); /* what was late is no answer to this one */
    assert_string_equal(buffer_text(&owner.body), "hello");
    finish(&owner);
}

static void test_nobody_there(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OK_ANSWER, "");
    int port = owner.peer.port;
    ask(&owner, LONG_MS);
    peer_close(&owner.peer);
    world_run_for(&owner.world, 10);
    ask(&owner, LONG_MS);
    assert_int_equal(owner.err, ERR_CONNECT);
    peer_listen(&owner.peer, &owner.world.loop, port);
    owner.peer.on_bytes = on_bytes;
    ask(&owner, LONG_MS);
    assert_int_equal(owner.err, ERR_OK);
    finish(&owner);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const others[] = {
        "http://localhost:8000",    "https://127.0.0.1:8000",    "http://10.0.0.1:8000",
        "http://127.0.0.1",         "http://127.0.0.1:0",        "http://127.0.0.1:65536",
        "http://127.0.0.1:80x",     "http://127.0.0.1:8000/api", "http://[::1]:8000",
        "http://127.0.0.1.evil:80", "http://127.0.0.1: 80",      "http://127.1.2.300:80",
    };
    world_t world;
    world_init(&world);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_null(store_link_new(&world.loop, others[i], ""));
    store_link_free(NULL);
    store_link_free(store_link_new(&world.loop, "http://127.1.2.3:65535", ""));
    world_close(&world);
}

static void free_link(void *context)
{
    owner_t *owner = context;
    owner->in_done = NULL;
    store_link_free(owner->link);
    owner->link = NULL;
}

static void ask_next(void *context)
{
    owner_t *owner = context;
    owner->in_done = NULL;
    post(owner, "next", LONG_MS);
    assert_string_equal(buffer_text(&owner->body), "hello"); /* not written over */
}

static void test_calls_inside_events(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OK_ANSWER, "");
    owner.in_done = ask_next;
    ask(&owner, LONG_MS);
    RUN_UNTIL(&owner.world, owner.calls == 2);
    assert_non_null(strstr(buffer_text(&owner.seen), "\r\n\r\nnext"));
    owner.in_done = free_link;
    ask(&owner, LONG_MS);
    finish(&owner);
}

static void test_freed_with_a_call(void **state)
{
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        owner_t owner;
        start(&owner, NULL, "");
        post(&owner, "{}", LONG_MS);
        for (int turn = 0; turn < turns; turn++)
            uv_run(&owner.world.loop, UV_RUN_NOWAIT);
        free_link(&owner);
        assert_int_equal(owner.calls, 1); /* before it returns */
        assert_int_equal(owner.err, ERR_CLOSED);
        finish(&owner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_over_one_connection),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_connects_again),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_calls_inside_events),
        cmocka_unit_test(test_freed_with_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
