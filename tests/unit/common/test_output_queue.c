#include "common/output_queue.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    uv_loop_t loop;
    uv_pipe_t stream;
    int peer; /* the other end of the stream; nobody reads there by itself */
    output_turn_t *turn;
    output_queue_t *queue;
    unsigned overflows, errors, drains;
} world_t;

static void on_overflow(void *context)
{
    ((world_t *)context)->overflows++;
}

static void on_error(void *context, int uv_err)
{
    assert_true(uv_err < 0);
    ((world_t *)context)->errors++;
}

static void on_drain(void *context)
{
    ((world_t *)context)->drains++;
}

static void begin(world_t *world, output_limits_t limits)
{
    static const output_events_t events = {on_overflow, on_error, on_drain};
    int ends[2];

    memset(world, 0, sizeof *world);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    uv_loop_init(&world->loop);
    uv_pipe_init(&world->loop, &world->stream, 0);
    uv_pipe_open(&world->stream, ends[0]);
    world->peer = ends[1];
    world->turn = output_turn_new(&world->loop, limits, &events);
    world->queue = output_queue_new(world->turn, (uv_stream_t *)&world->stream, world);
}

static void end(world_t *world)
{
    output_queue_free(world->queue);
    output_turn_free(world->turn);
    uv_close((uv_handle_t *)&world->stream, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    close(world->peer);
}

static void test_writes_of_a_turn_go_out_together(void **state)
{
    world_t world;
    char got[64];

    (void)state;
    begin(&world, OUTPUT_LIMITS_DEFAULT);
    assert_int_equal(output_queue_write(world.queue, "one ", 4), ERR_OK);
    assert_int_equal(output_queue_write(world.queue, "two", 3), ERR_OK);
    assert_int_equal(output_queue_bytes(world.queue), 7);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(output_queue_bytes(world.queue), 0);
    assert_int_equal(world.drains, 1);
    assert_int_equal(recv(world.peer, got, sizeof got, MSG_DONTWAIT), 7);
    assert_memory_equal(got, "one two", 7);
    end(&world);
}

static ssize_t receive(const world_t *world, char got[64])
{
    return recv(world->peer, got, 64, MSG_DONTWAIT);
}

static void test_what_is_held_goes_out_with_what_comes_next(void **state)
{
    world_t world;
    char got[64];

    (void)state;
    begin(&world, OUTPUT_LIMITS_DEFAULT);
    output_queue_hold(world.queue); /* nothing */
    output_queue_release(world.queue);
    output_queue_write(world.queue, "one ", 4);
    output_queue_hold(world.queue);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(receive(&world, got), -1);
    output_queue_write(world.queue, "two", 3);
    output_queue_write_now(world.queue, " three", 6);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(receive(&world, got), -1);
    output_queue_release(world.queue);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(receive(&world, got), 13);
    assert_memory_equal(got, "one two three", 13);
    end(&world);
}

/* Two of them, the second one held when the first has waited for a while. */
static void test_what_is_not_released_goes_out_all_the_same(void **state)
{
    world_t world, other = {0};
    char got[64];

    (void)state;
    begin(&world, OUTPUT_LIMITS_DEFAULT);
    output_queue_write(world.queue, "one", 3);
    output_queue_hold(world.queue);
    uv_run(&world.loop, UV_RUN_ONCE);
    output_queue_t *second = output_queue_new(world.turn, (uv_stream_t *)&world.stream, &other);
    output_queue_write(second, " two", 4);
    output_queue_hold(second);
    uint64_t started = uv_hrtime();
    while (world.drains == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(receive(&world, got), 3);
    while (other.drains == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_in_range(uv_hrtime() - started, 15000000, UINT64_MAX); /* not at the next tick: it may be near */
    assert_int_equal(receive(&world, got), 4);
    output_queue_free(second);
    end(&world);
}

/* Neither the end nor a limit waits. */
static void test_what_is_held_is_not_lost(void **state)
{
    world_t world;
    char got[64];

    (void)state;
    begin(&world, (output_limits_t){16, 32, 1000});
    output_queue_write(world.queue, "last word", 9);
    output_queue_hold(world.queue);
    output_queue_t *queue = world.queue;
    world.queue = output_queue_new(world.turn, (uv_stream_t *)&world.stream, &world);
    output_queue_free(queue);
    assert_int_equal(receive(&world, got), 9);
    output_queue_write(world.queue, "first", 5);
    output_queue_hold(world.queue);
    assert_int_equal(output_queue_write(world.queue, "0123456789012345678901234567890123456789", 40),
                     ERR_TOO_SLOW);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.overflows, 1);
    end(&world);
}

/* When there are many of them; small ones wait for the turn's end. The memory of what was written serves the next, and
 * none of its bytes. */
static void test_large_ones_go_out_before_the_turn_ends(void **state)
{
    enum { COUNT = 16, LARGE = 4000 };
    world_t world;
    output_queue_t *queues[COUNT];
    char large[LARGE], got[(COUNT + 1) * LARGE];

    (void)state;
    begin(&world, OUTPUT_LIMITS_DEFAULT);
    memset(large, 'x', sizeof large);
    output_queue_write(world.queue, "small", 5);
    for (size_t i = 0; i < COUNT; i++) {
        output_turn_write_large(world.turn);
        assert_int_equal(recv(world.peer, got, sizeof got, MSG_DONTWAIT), -1);
        queues[i] = output_queue_new(world.turn, (uv_stream_t *)&world.stream, &world);
        output_queue_write(queues[i], large, sizeof large);
    }
    output_turn_write_large(world.turn);
    assert_int_equal(recv(world.peer, got, sizeof got, MSG_DONTWAIT), COUNT * LARGE);
    assert_int_equal(world.drains, COUNT);
    output_queue_write(queues[0], "next", 4);
    output_turn_write_large(world.turn);
    assert_int_equal(output_queue_bytes(queues[0]), 4);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(recv(world.peer, got, sizeof got, MSG_DONTWAIT), 9);
    assert_memory_equal(got, "smallnext", 9);
    for (size_t i = 0; i < COUNT; i++)
        output_queue_free(queues[i]);
    end(&world);
}

/* What the kernel does not take waits, in its order; what comes behind waits too. */
static void test_what_is_written_now(void **state)
{
    world_t world;
    static char block[4 * 1024 * 1024], got[sizeof block + 8];
    size_t length = 0;
    ssize_t count;

    (void)state;
    begin(&world, OUTPUT_LIMITS_DEFAULT);
    memset(block, 'x', sizeof block);
    assert_int_equal(output_queue_write_now(world.queue, "one", 3), ERR_OK);
    assert_int_equal(output_queue_bytes(world.queue), 0);
    assert_int_equal(output_queue_write_now(world.queue, block, sizeof block), ERR_OK);
    assert_in_range(output_queue_bytes(world.queue), 1, sizeof block - 1);
    assert_int_equal(output_queue_write_now(world.queue, "end", 3), ERR_OK);
    while (length < sizeof block + 6) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        count = recv(world.peer, got + length, sizeof got - length, MSG_DONTWAIT);
        length += count > 0 ? (size_t)count : 0;
    }
    assert_memory_equal(got, "onex", 4);
    assert_memory_equal(got + length - 4, "xend", 4);
    assert_int_equal(length, sizeof block + 6);
    assert_int_equal(output_queue_bytes(world.queue), 0);
    end(&world);
}

/* A server takes what is not counted here for written, and what TCP has acknowledged for read. */
static void test_what_an_overflow_dropped_is_never_written(void **state)
{
    world_t world;
    char block[600] = "";

    (void)state;
    begin(&world, (output_limits_t){.soft_limit = 500, .hard_limit = 1000, .soft_ms = 60000});
    assert_int_equal(output_queue_write(world.queue, block, sizeof block), ERR_OK);
    assert_int_equal(output_queue_write(world.queue, block, sizeof block), ERR_TOO_SLOW);
    assert_int_equal(world.overflows, 0); /* not inside the call */
    assert_int_equal(output_queue_bytes(world.queue), 2 * sizeof block);
    assert_int_equal(output_queue_write(world.queue, block, sizeof block), ERR_TOO_SLOW);
    assert_int_equal(output_queue_bytes(world.queue), 3 * sizeof block);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.overflows, 1);
    assert_int_equal(world.drains, 0);
    assert_int_equal(output_queue_bytes(world.queue), 3 * sizeof block);
    end(&world);
}

static void test_soft_limit_without_a_pause(void **state)
{
    world_t world;
    static char block[4 * 1024 * 1024];

    (void)state;
    begin(&world, (output_limits_t){.soft_limit = 1000, .hard_limit = 2 * sizeof block, .soft_ms = 20});
    assert_int_equal(output_queue_write(world.queue, block, sizeof block), ERR_OK);
    while (world.overflows == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_true(output_queue_bytes(world.queue) > 1000);
    assert_int_equal(output_queue_write(world.queue, block, 1), ERR_TOO_SLOW);
    end(&world);
}

static void test_error_comes_once(void **state)
{
    world_t world;

    (void)state;
    begin(&world, OUTPUT_LIMITS_DEFAULT);
    shutdown(world.peer, SHUT_RD);
    output_queue_write(world.queue, "lost", 4);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.errors, 1);
    assert_int_equal(output_queue_bytes(world.queue), 4);
    assert_int_equal(output_queue_write(world.queue, "lost", 4), ERR_CLOSED);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.errors, 1);
    end(&world);
}

typedef struct {
    uv_loop_t loop;
    output_turn_t *turn;
    uv_pipe_t streams[3];
    int peers[3];
    output_queue_t *queues[3];
    unsigned drains;
} crowd_t;

/* The first that has written ends the second, and gives the third another word. */
static void on_crowd_drain(void *context)
{
    crowd_t *crowd = context;

    if (crowd->drains++ > 0)
        return;
    output_queue_free(crowd->queues[1]);
    output_queue_write(crowd->queues[2], "!", 1);
}

static void test_queues_of_one_turn(void **state)
{
    static const output_events_t events = {on_overflow, on_error, on_crowd_drain};
    crowd_t crowd = {.drains = 0};
    char got[8];

    (void)state;
    uv_loop_init(&crowd.loop);
    crowd.turn = output_turn_new(&crowd.loop, OUTPUT_LIMITS_DEFAULT, &events);
    for (int i = 0; i < 3; i++) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        uv_pipe_init(&crowd.loop, &crowd.streams[i], 0);
        uv_pipe_open(&crowd.streams[i], ends[0]);
        crowd.peers[i] = ends[1];
        crowd.queues[i] = output_queue_new(crowd.turn, (uv_stream_t *)&crowd.streams[i], &crowd);
        output_queue_write(crowd.queues[i], "hi", 2);
    }
    uv_run(&crowd.loop, UV_RUN_NOWAIT);
    assert_int_equal(crowd.drains, 2);
    assert_int_equal(recv(crowd.peers[0], got, sizeof got, MSG_DONTWAIT), 2);
    assert_int_equal(recv(crowd.peers[1], got, sizeof got, MSG_DONTWAIT), 2); /* the last word */
    assert_int_equal(recv(crowd.peers[2], got, sizeof got, MSG_DONTWAIT), 3);
    assert_memory_equal(got, "hi!", 3);
    output_queue_free(crowd.queues[0]);
    output_queue_free(crowd.queues[2]);
    output_turn_free(crowd.turn);
    for (int i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&crowd.streams[i], NULL);
        close(crowd.peers[i]);
    }
    uv_run(&crowd.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&crowd.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_of_a_turn_go_out_together),
        cmocka_unit_test(test_what_is_held_goes_out_with_what_comes_next),
        cmocka_unit_test(test_what_is_not_released_goes_out_all_the_same),
        cmocka_unit_test(test_what_is_held_is_not_lost),
        cmocka_unit_test(test_large_ones_go_out_before_the_turn_ends),
        cmocka_unit_test(test_what_is_written_now),
        cmocka_unit_test(test_what_an_overflow_dropped_is_never_written),
        cmocka_unit_test(test_soft_limit_without_a_pause),
        cmocka_unit_test(test_error_comes_once),
        cmocka_unit_test(test_queues_of_one_turn),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
