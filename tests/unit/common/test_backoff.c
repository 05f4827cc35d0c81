#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/backoff.h"

static void test_steps(void **state)
{
    (void)state;
    static const uint64_t steps[] = {100, 200, 400, 800, 1000, 1000, 1000};
    backoff_t backoff;
    backoff_init(&backoff, 100, 1000);
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            assert_in_range(backoff_next(&backoff), steps[i] / 2, steps[i]);
        backoff_reset(&backoff);
    }
}

/* Many that lose their server together must not come back together. */
static void test_jitter(void **state)
{
    (void)state;
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < 1000; i++) {
        backoff_t backoff;
        backoff_init(&backoff, 1000, 8000);
        uint64_t wait = backoff_next(&backoff);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_in_range(least, 500, 550);
    assert_in_range(most, 950, 1000);
}

static void test_extremes(void **state)
{
    (void)state;
    backoff_t backoff;
    backoff_init(&backoff, 1, 1);
    for (int i = 0; i < 100; i++)
        assert_in_range(backoff_next(&backoff), 0, 1);
    backoff_init(&backoff, UINT64_MAX / 2 + 2, UINT64_MAX);
    for (int i = 0; i < 10; i++)
        assert_true(backoff_next(&backoff) >= UINT64_MAX / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
