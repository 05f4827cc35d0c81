/* Keys on their way to the message API: which go in one call, which wait for more, and the end while some wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "server/delivery.h"
#include "server/store_client.h"
#include "tests/unit/common/loop_world.h"
#include <stdio.h>

enum { MANY = 20, PACE_MS = 5 };

typedef struct {
    world_t world;
    peer_t peer;
    log_t log;
    store_client_t *client;
    buffer_t body; /* of the last call with keys */
    int calls;
    size_t stored;
    delivery_t deliveries[MANY + 1];
} owner_t;

static void on_bytes(connection_t *connection)
{
    owner_t *owner = connection->peer->listener.loop->data;
    const char *got = buffer_text(&connection->got);
    const char *end = strstr(got, "\r\n\r\n"), *length = strstr(got, "Content-Length: ");
    size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    if (end == NULL || connection->got.length < (size_t)(end + 4 - got) + body)
        return;
    if (body > 0) {
        owner->calls++;
        buffer_clear(&owner->body);
        buffer_append(&owner->body, end + 4, body);
    }
    buffer_clear(&connection->got);
    connection_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"duplicates\":[]}");
}

static void on_put(void *context, delivery_t *delivery, const store_put_result_t *result)
{
    owner_t *owner = context;
    (void)delivery;
    assert_int_equal(result->status, STORE_PUT_RECEIVED);
    owner->stored++;
}

static void ignore(void *context)
{
    (void)context;
}

static const store_events_t events = {.on_put = on_put, .on_back = ignore};

static void receive(owner_t *owner, int number, const char *sender)
{
    delivery_t *delivery = &owner->deliveries[number];
    snprintf(delivery->message.sender, sizeof delivery->message.sender, "%s", sender);
    snprintf(delivery->message.id, sizeof delivery->message.id, "%d", number);
    store_client_receive(owner->client, delivery);
}

/* The first key goes at once; those that come meanwhile go together. */
static void start(owner_t *owner)
{
    char base[64];
    *owner = (owner_t){0};
    world_init(&owner->world);
    owner->world.loop.data = owner;
    peer_listen(&owner->peer, &owner->world.loop, 0);
    owner->peer.on_bytes = on_bytes;
    buffer_init(&owner->body, 0);
    log_init(&owner->log, "test", LOG_ERROR);
    snprintf(base, sizeof base, "http://127.0.0.1:%d", owner->peer.port);
    owner->client = store_client_new(&owner->world.loop, base, "", &owner->log, &events, owner);
    for (int i = 0; i < MANY; i++)
        receive(owner, i, i % 2 == 0 ? "alice" : "bob");
    RUN_UNTIL(&owner->world, owner->stored == MANY);
    assert_int_equal(owner->calls, 2);
}

static void finish(owner_t *owner)
{
    store_client_free(owner->client);
    peer_close(&owner->peer);
    world_close(&owner->world);
    buffer_free(&owner->body);
}

static void test_a_sender_is_named_once(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner);
    const char *body = buffer_text(&owner.body), *alice = strstr(body, "\"alice\""),
               *bob = strstr(body, "\"bob\"");
    assert_non_null(alice);
    assert_non_null(bob);
    assert_null(strstr(alice + 1, "\"alice\""));
    assert_null(strstr(bob + 1, "\"bob\""));
    finish(&owner);
}

static void test_the_next_ones_wait_a_moment(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner);
    uint64_t before = uv_now(&owner.world.loop);
    receive(&owner, MANY, "carol");
    RUN_UNTIL(&owner.world, owner.stored == MANY + 1);
    assert_int_equal(owner.calls, 3);
    assert_true(uv_now(&owner.world.loop) >= before + PACE_MS - 1);
    finish(&owner);
}

/* Its moment has come when the client is freed: nothing is sent any more. */
static void test_the_end_while_one_waits(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner);
    receive(&owner, MANY, "carol");
    uint64_t due = uv_now(&owner.world.loop) + PACE_MS;
    while (uv_now(&owner.world.loop) < due)
        uv_update_time(&owner.world.loop); /* its timers don't run */
    finish(&owner);
    assert_int_equal(owner.calls, 2);
    assert_int_equal(owner.stored, MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sender_is_named_once),
        cmocka_unit_test(test_the_next_ones_wait_a_moment),
        cmocka_unit_test(test_the_end_while_one_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
