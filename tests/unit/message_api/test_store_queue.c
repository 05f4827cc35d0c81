/* The queue with a database that takes as long as the test likes. */
#include "message_api/store_queue.h"
#include "store_world.h"

typedef struct {
    uv_sem_t gate;                /* the database goes on once for each post */
    atomic_uint batches, written; /* begun */
    atomic_bool closed;
} slow_t;

static void slow_write(void *state, store_request_t **requests, size_t count)
{
    slow_t *slow = state;
    atomic_fetch_add(&slow->batches, 1);
    atomic_fetch_add(&slow->written, (unsigned)count);
    uv_sem_wait(&slow->gate);
    for (size_t i = 0; i < count; i++)
        requests[i]->err = ERR_OK;
}

static void slow_read(void *state, unsigned reader, store_request_t *request)
{
    (void)state;
    assert_true(reader < BACKEND_READERS);
    request->err = ERR_STALE_EPOCH;
}

static bool slow_purge(void *state, int64_t before)
{
    (void)state;
    assert_in_range(timestamp_now() - before, INT64_C(7) * 86400 * 1000000,
                    INT64_C(7) * 86400 * 1000000 + 60000000);
    return false;
}

static void slow_close(void *state)
{
    atomic_store(&((slow_t *)state)->closed, true);
}

static const store_backend_t slow_backend = {
    .name = "slow", .write = slow_write, .read = slow_read, .purge = slow_purge, .close = slow_close};

typedef struct {
    uv_loop_t loop;
    slow_t slow;
    store_queue_t *queue;
    bool closed, clean;
} bench_t;

static bench_t *bench_new(store_queue_limits_t limits)
{
    bench_t *bench = alloc_new(bench_t);
    uv_loop_init(&bench->loop);
    uv_sem_init(&bench->slow.gate, 0);
    assert_int_equal(store_queue_open(&bench->loop, &slow_backend, &bench->slow, &limits, &bench->queue),
                     ERR_OK);
    return bench;
}

static void on_bench_closed(void *context, bool clean)
{
    bench_t *bench = context;
    bench->closed = true;
    bench->clean = clean;
}

static void bench_free(bench_t *bench)
{
    if (!bench->closed)
        store_queue_close(bench->queue, on_bench_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->closed && bench->clean && atomic_load(&bench->slow.closed));
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    uv_sem_destroy(&bench->slow.gate);
    free(bench);
}

static err_t submit_claim(bench_t *bench, answer_t *answer, size_t bytes)
{
    store_request_t *request = request_new(REQUEST_CLAIM, answer);
    request->callback.claim = on_claim;
    request->bytes = bytes;
    err_t err = store_queue_submit(bench->queue, request);
    if (err != ERR_OK)
        request_free(request);
    return err;
}

static void run_until(bench_t *bench, const answer_t *answer)
{
    while (!answer->called)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static void wait_for_batch(bench_t *bench, unsigned batches)
{
    while (atomic_load(&bench->slow.batches) < batches)
        usleep(1000);
}

static void test_answers_at_the_deadline(void **state)
{
    (void)state;
    bench_t *bench = bench_new((store_queue_limits_t){.requests = 10, .bytes = 1000, .deadline_ms = 1000});
    answer_t *begun = alloc_new(answer_t), *waiting = alloc_new(answer_t), *late = alloc_new(answer_t);
    assert_int_equal(submit_claim(bench, begun, 1), ERR_OK);
    wait_for_batch(bench, 1);
    assert_int_equal(submit_claim(bench, waiting, 1), ERR_OK);
    run_until(bench, begun);
    run_until(bench, waiting);
    assert_int_equal(begun->err, ERR_STORE_UNAVAILABLE);
    assert_int_equal(waiting->err, ERR_STORE_UNAVAILABLE);

    /* The one that was begun ends unheard, the one that waited is not begun, and the next one is as ever. */
    uv_update_time(&bench->loop);
    uv_sem_post(&bench->slow.gate);
    uv_sem_post(&bench->slow.gate);
    assert_int_equal(submit_claim(bench, late, 1), ERR_OK);
    run_until(bench, late);
    assert_int_equal(late->err, ERR_OK);
    assert_int_equal(atomic_load(&bench->slow.written), 2);
    bench_free(bench);
    answer_free(begun);
    answer_free(waiting);
    answer_free(late);
}

static void test_takes_all_that_waits_as_one_batch(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    bench_t *bench =
        bench_new((store_queue_limits_t){.requests = 1000, .bytes = 100000, .deadline_ms = 60000});
    answer_t *answers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        answers[i] = alloc_new(answer_t);
        assert_int_equal(submit_claim(bench, answers[i], 1), ERR_OK);
        if (i == 0)
            wait_for_batch(bench, 1);
    }
    uv_sem_post(&bench->slow.gate);
    uv_sem_post(&bench->slow.gate);
    run_until(bench, answers[COUNT - 1]);
    assert_int_equal(atomic_load(&bench->slow.batches), 2);
    bench_free(bench);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(answers[i]->err, ERR_OK);
        answer_free(answers[i]);
    }
}

static void test_is_bounded(void **state)
{
    (void)state;
    bench_t *bench = bench_new((store_queue_limits_t){.requests = 3, .bytes = 100, .deadline_ms = 60000});
    answer_t *answers[3] = {alloc_new(answer_t), alloc_new(answer_t), alloc_new(answer_t)};
    assert_int_equal(submit_claim(bench, answers[0], 60), ERR_OK);
    assert_int_equal(submit_claim(bench, NULL, 41), ERR_BUSY);
    assert_int_equal(submit_claim(bench, answers[1], 40), ERR_OK);
    assert_int_equal(submit_claim(bench, answers[2], 0), ERR_OK);
    assert_int_equal(submit_claim(bench, NULL, 0), ERR_BUSY);
    for (int i = 0; i < 3; i++)
        uv_sem_post(&bench->slow.gate);
    run_until(bench, answers[2]);
    for (int i = 0; i < 3; i++) {
        assert_true(answers[i]->called);
        answers[i]->called = false;
    }
    assert_int_equal(submit_claim(bench, answers[0], 100), ERR_OK); /* the room is there again */
    run_until(bench, answers[0]);
    bench_free(bench);
    for (int i = 0; i < 3; i++)
        answer_free(answers[i]);
}

/* A database that hangs holds nobody's answer, and the end no longer than it hangs. */
static void test_closes_while_the_database_hangs(void **state)
{
    (void)state;
    bench_t *bench = bench_new((store_queue_limits_t){.requests = 10, .bytes = 1000, .deadline_ms = 60000});
    answer_t *begun = alloc_new(answer_t), *waiting = alloc_new(answer_t);
    assert_int_equal(submit_claim(bench, begun, 1), ERR_OK);
    wait_for_batch(bench, 1);
    assert_int_equal(submit_claim(bench, waiting, 1), ERR_OK);
    store_queue_close(bench->queue, on_bench_closed, bench);
    assert_int_equal(submit_claim(bench, NULL, 1), ERR_CLOSED);
    run_until(bench, begun);
    run_until(bench, waiting);
    assert_int_equal(begun->err, ERR_STORE_UNAVAILABLE);
    assert_int_equal(waiting->err, ERR_STORE_UNAVAILABLE);
    assert_false(bench->closed);
    uv_sem_post(&bench->slow.gate);
    bench_free(bench);
    answer_free(begun);
    answer_free(waiting);
}

/* And when it hangs on, the end does not wait for it; what the threads have is freed when they come back. */
static void test_leaves_a_database_that_hangs(void **state)
{
    (void)state;
    bench_t *bench = bench_new((store_queue_limits_t){.requests = 10, .bytes = 1000, .deadline_ms = 60000});
    answer_t *answers[2] = {alloc_new(answer_t), alloc_new(answer_t)};
    assert_int_equal(submit_claim(bench, answers[0], 1), ERR_OK);
    wait_for_batch(bench, 1);
    assert_int_equal(submit_claim(bench, answers[1], 1), ERR_OK);
    store_queue_close(bench->queue, on_bench_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->closed && !bench->clean && !atomic_load(&bench->slow.closed));
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answers[i]->err, ERR_STORE_UNAVAILABLE);
        answer_free(answers[i]);
    }
    uv_sem_post(&bench->slow.gate);
    while (!atomic_load(&bench->slow.closed))
        usleep(1000);
    assert_int_equal(atomic_load(&bench->slow.written), 1);
    uv_sem_destroy(&bench->slow.gate);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_at_the_deadline),
        cmocka_unit_test(test_takes_all_that_waits_as_one_batch),
        cmocka_unit_test(test_is_bounded),
        cmocka_unit_test(test_closes_while_the_database_hangs),
        cmocka_unit_test(test_leaves_a_database_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
