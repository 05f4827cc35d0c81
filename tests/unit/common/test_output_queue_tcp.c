#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/output_queue.h"
#include "loop_world.h"

enum { KILO = 1024, MEGA = 1024 * 1024 };

typedef struct {
    world_t world;
    peer_t peer;
    uv_tcp_t tcp;
    uv_connect_t request;
    bool connected, inside, free_in_event;
    output_turn_t *turn;
    output_queue_t *queue;
    int overflows, errors, drains, uv_err;
} owner_t;

static void let_go(owner_t *owner)
{
    output_queue_free(owner->queue);
    owner->queue = NULL;
}

static void on_overflow(void *context)
{
    owner_t *owner = context;
    assert_false(owner->inside);
    owner->overflows++;
    if (owner->free_in_event)
        let_go(owner);
}

static void on_error(void *context, int uv_err)
{
    owner_t *owner = context;
    assert_false(owner->inside);
    owner->errors++;
    owner->uv_err = uv_err;
    if (owner->free_in_event)
        let_go(owner);
}

static void on_drain(void *context)
{
    owner_t *owner = context;
    assert_false(owner->inside);
    assert_int_equal(output_queue_bytes(owner->queue), 0);
    owner->drains++;
    if (owner->free_in_event)
        let_go(owner);
}

static void on_connected(uv_connect_t *request, int status)
{
    owner_t *owner = request->data;
    assert_int_equal(status, 0);
    owner->connected = true;
}

/* A connection to a peer that reads nothing yet. Small buffers in the kernel, so that much of it stays here. */
static void start(owner_t *owner, output_limits_t limits)
{
    static const output_events_t events = {on_overflow, on_error, on_drain};
    struct sockaddr_in address;
    int size = 16 * KILO;

    *owner = (owner_t){0};
    world_init(&owner->world);
    peer_listen(&owner->peer, &owner->world.loop, 0);
    owner->peer.mute = true;
    uv_recv_buffer_size((uv_handle_t *)&owner->peer.listener, &size);
    uv_tcp_init(&owner->world.loop, &owner->tcp);
    uv_ip4_addr("127.0.0.1", owner->peer.port, &address);
    owner->request.data = owner;
    uv_tcp_connect(&owner->request, &owner->tcp, (struct sockaddr *)&address, on_connected);
    uv_send_buffer_size((uv_handle_t *)&owner->tcp, &size);
    RUN_UNTIL(&owner->world, owner->connected && owner->peer.accepted > 0);
    owner->turn = output_turn_new(&owner->world.loop, limits, &events);
    owner->queue = output_queue_new(owner->turn, (uv_stream_t *)&owner->tcp, owner);
}

static void stop(owner_t *owner)
{
    output_queue_free(owner->queue);
    output_turn_free(owner->turn);
    if (!uv_is_closing((uv_handle_t *)&owner->tcp))
        uv_close((uv_handle_t *)&owner->tcp, NULL);
    peer_close(&owner->peer);
    world_close(&owner->world);
}

/* Bytes by which a loss, a repeat or another order is seen. */
static void make_pattern(char *data, size_t from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        data[i] = (char)((from + i) * 2654435761u >> 13);
}

static err_t write_pattern(owner_t *owner, size_t from, size_t length)
{
    char *data = alloc_bytes(length);
    make_pattern(data, from, length);
    owner->inside = true;
    err_t err = output_queue_write(owner->queue, data, length);
    owner->inside = false;
    free(data);
    return err;
}

static void assert_pattern(const connection_t *connection, size_t length)
{
    char *wanted = alloc_bytes(length);
    make_pattern(wanted, 0, length);
    assert_int_equal(connection->got.length, length);
    assert_true(memcmp(connection->got.data, wanted, length) == 0);
    free(wanted);
}

static void test_all_arrives_in_order(void **state)
{
    (void)state;
    owner_t owner;
    size_t written = 0;
    start(&owner, OUTPUT_LIMITS_DEFAULT);
    assert_int_equal(output_queue_bytes(owner.queue), 0);
    /* Small ones and large ones; more than the kernel takes at once, in several turns. */
    for (int i = 0; i < 60; i++) {
        size_t length = i % 3 == 0 ? 200 * KILO : (size_t)(i * 7 + 1);
        assert_int_equal(write_pattern(&owner, written, length), ERR_OK);
        written += length;
        if (i % 10 == 0)
            world_run_for(&owner.world, 1);
    }
    assert_true(output_queue_bytes(owner.queue) > MEGA);
    assert_int_equal(owner.drains, 0);
    connection_read(owner.peer.connections);
    RUN_UNTIL(&owner.world, owner.peer.connections->received == written && owner.drains > 0);
    assert_pattern(owner.peer.connections, written);
    assert_int_equal(output_queue_bytes(owner.queue), 0);
    assert_int_equal(owner.overflows + owner.errors, 0);
    /* Once more, appended without a copy. */
    owner.drains = 0;
    assert_int_equal(buffer_append_text(output_queue_buffer(owner.queue), "tail"), ERR_OK);
    output_queue_flush(owner.queue);
    assert_int_equal(output_queue_bytes(owner.queue), 4);
    RUN_UNTIL(&owner.world, owner.peer.connections->received == written + 4 && owner.drains > 0);
    assert_string_equal(owner.peer.connections->got.data + written, "tail");
    stop(&owner);
}

static void test_hard_limit(void **state)
{
    (void)state;
    for (int freed = 0; freed <= 1; freed++) {
        owner_t owner;
        start(&owner, (output_limits_t){MEGA, 2 * MEGA, 30000});
        owner.free_in_event = freed;
        size_t written = 0;
        err_t err;
        while ((err = write_pattern(&owner, written, 64 * KILO)) == ERR_OK) {
            written += 64 * KILO;
            assert_true(written <= 64 * MEGA);
            world_run_for(&owner.world, 0);
        }
        assert_int_equal(err, ERR_TOO_SLOW);
        assert_in_range(written, 2 * MEGA - 64 * KILO, 8 * MEGA);
        assert_int_equal(owner.overflows, 0); /* not inside the call */
        assert_int_equal(write_pattern(&owner, 0, 1), ERR_TOO_SLOW);
        RUN_UNTIL(&owner.world, owner.overflows > 0);
        if (!freed) {
            assert_int_equal(write_pattern(&owner, 0, 1), ERR_TOO_SLOW);
            buffer_append_text(output_queue_buffer(owner.queue), "not kept");
            output_queue_flush(owner.queue);
            assert_true(output_queue_bytes(owner.queue) > 2 * MEGA); /* what is dropped is not written */
        }
        world_run_for(&owner.world, 20);
        assert_int_equal(owner.overflows, 1);
        assert_int_equal(owner.errors, 0);
        stop(&owner);
    }
}

/* One write that is larger than everything allowed. */
static void test_too_much_at_once(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, (output_limits_t){KILO, 2 * KILO, 30000});
    assert_int_equal(write_pattern(&owner, 0, 2 * KILO), ERR_OK);
    assert_int_equal(write_pattern(&owner, 0, 1), ERR_TOO_SLOW);
    RUN_UNTIL(&owner.world, owner.overflows == 1);
    stop(&owner);
}

static size_t fill(owner_t *owner, size_t bytes)
{
    size_t written = 0;
    while (output_queue_bytes(owner->queue) <= bytes) {
        assert_int_equal(write_pattern(owner, written, 64 * KILO), ERR_OK);
        written += 64 * KILO;
        world_run_for(&owner->world, 0);
    }
    return written;
}

static void test_soft_limit(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, (output_limits_t){MEGA, 64 * MEGA, 100});
    uint64_t started = uv_hrtime();
    fill(&owner, MEGA);
    RUN_UNTIL(&owner.world, owner.overflows == 1);
    assert_true((uv_hrtime() - started) / 1000000 >= 80);
    assert_int_equal(write_pattern(&owner, 0, 1), ERR_TOO_SLOW);
    stop(&owner);
}

/* Whoever reads in time has as much time again at the next jam. */
static void test_soft_limit_with_a_pause(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, (output_limits_t){MEGA, 64 * MEGA, 1500});
    size_t written = fill(&owner, MEGA);
    connection_read(owner.peer.connections);
    RUN_UNTIL(&owner.world, owner.drains > 0 && owner.peer.connections->received == written);
    assert_pattern(owner.peer.connections, written);
    assert_int_equal(owner.overflows, 0);
    uv_read_stop((uv_stream_t *)&owner.peer.connections->tcp);
    world_run_for(&owner.world, 200);
    uint64_t started = uv_hrtime();
    fill(&owner, MEGA);
    RUN_UNTIL(&owner.world, owner.overflows == 1);
    assert_true((uv_hrtime() - started) / 1000000 >= 1480);
    stop(&owner);
}

static void test_reset_by_the_peer(void **state)
{
    (void)state;
    for (int freed = 0; freed <= 1; freed++) {
        owner_t owner;
        start(&owner, OUTPUT_LIMITS_DEFAULT);
        owner.free_in_event = freed;
        fill(&owner, MEGA);
        connection_close(owner.peer.connections, true);
        RUN_UNTIL(&owner.world, owner.errors > 0);
        assert_true(owner.uv_err < 0);
        if (!freed) {
            assert_true(output_queue_bytes(owner.queue) > MEGA); /* no byte of it counts as written */
            assert_int_equal(write_pattern(&owner, 0, 1), ERR_CLOSED);
        }
        world_run_for(&owner.world, 20);
        assert_int_equal(owner.errors, 1);
        assert_int_equal(owner.overflows, 0);
        stop(&owner);
    }
}

static void test_freed_on_drain(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OUTPUT_LIMITS_DEFAULT);
    owner.free_in_event = true;
    write_pattern(&owner, 0, 10);
    RUN_UNTIL(&owner.world, owner.drains == 1);
    stop(&owner);
}

/* Why a session ends is the last that its peer reads. */
static void test_last_word(void **state)
{
    (void)state;
    owner_t owner;
    start(&owner, OUTPUT_LIMITS_DEFAULT);
    connection_read(owner.peer.connections);
    assert_int_equal(output_queue_write(owner.queue, "goodbye", 7), ERR_OK);
    buffer_append_text(output_queue_buffer(owner.queue), "half a frame that was never finished");
    let_go(&owner);
    uv_close((uv_handle_t *)&owner.tcp, NULL);
    RUN_UNTIL(&owner.world, owner.peer.connections->ended);
    assert_string_equal(buffer_text(&owner.peer.connections->got), "goodbye");
    assert_int_equal(owner.drains + owner.errors + owner.overflows, 0);
    stop(&owner);
}

/* Freed with a write in flight, the stream closed in the same turn or much later. */
static void test_freed_in_flight(void **state)
{
    (void)state;
    for (int later = 0; later <= 1; later++) {
        owner_t owner;
        start(&owner, OUTPUT_LIMITS_DEFAULT);
        fill(&owner, MEGA);
        let_go(&owner);
        if (later) {
            connection_read(owner.peer.connections);
            world_run_for(&owner.world, 20);
        }
        stop(&owner);
        assert_int_equal(owner.drains + owner.errors + owner.overflows, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrives_in_order),    cmocka_unit_test(test_hard_limit),
        cmocka_unit_test(test_too_much_at_once),        cmocka_unit_test(test_soft_limit),
        cmocka_unit_test(test_soft_limit_with_a_pause), cmocka_unit_test(test_reset_by_the_peer),
        cmocka_unit_test(test_freed_on_drain),          cmocka_unit_test(test_last_word),
        cmocka_unit_test(test_freed_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
