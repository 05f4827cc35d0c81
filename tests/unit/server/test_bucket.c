#include "server/bucket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { RATE = 10 };

static void test_burst_is_twice_the_rate(void **state)
{
    bucket_t bucket;

    (void)state;
    bucket_init(&bucket, RATE, 1000);
    for (int i = 0; i < 2 * RATE; i++) {
        assert_true(bucket_has(&bucket, RATE, 1000));
        bucket_take(&bucket, RATE, 1000);
    }
    assert_false(bucket_has(&bucket, RATE, 1000));
}

static void test_fills_with_time(void **state)
{
    bucket_t bucket;

    (void)state;
    bucket_init(&bucket, RATE, 0);
    for (int i = 0; i < 2 * RATE; i++)
        bucket_take(&bucket, RATE, 0);
    assert_false(bucket_has(&bucket, RATE, 99));
    assert_true(bucket_has(&bucket, RATE, 101));
    /* Never more than the burst, however long it rested. */
    assert_true(bucket_has(&bucket, RATE, 1000000));
    for (int i = 0; i < 2 * RATE; i++)
        bucket_take(&bucket, RATE, 1000000);
    assert_false(bucket_has(&bucket, RATE, 1000000));
}

static void test_debt_is_paid_back(void **state)
{
    bucket_t bucket;

    (void)state;
    bucket_init(&bucket, RATE, 0);
    for (int i = 0; i < 3 * RATE; i++)
        bucket_take(&bucket, RATE, 0);
    assert_false(bucket_has(&bucket, RATE, 1000));
    assert_true(bucket_has(&bucket, RATE, 1150));
}

static void test_zero_is_no_limit(void **state)
{
    bucket_t bucket;

    (void)state;
    bucket_init(&bucket, 0, 0);
    for (int i = 0; i < 100000; i++)
        bucket_take(&bucket, 0, 0);
    assert_true(bucket_has(&bucket, 0, 0));
}

static void test_a_clock_that_goes_back_is_harmless(void **state)
{
    bucket_t bucket;

    (void)state;
    bucket_init(&bucket, RATE, 5000);
    bucket_take(&bucket, RATE, 4000);
    assert_true(bucket_has(&bucket, RATE, 4000));
    for (int i = 0; i < 2 * RATE; i++)
        bucket_take(&bucket, RATE, 4000);
    assert_false(bucket_has(&bucket, RATE, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_is_twice_the_rate),
        cmocka_unit_test(test_fills_with_time),
        cmocka_unit_test(test_debt_is_paid_back),
        cmocka_unit_test(test_zero_is_no_limit),
        cmocka_unit_test(test_a_clock_that_goes_back_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
