#include "thermometer/readings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add(readings_t *readings, double celsius, int64_t time_us)
{
    reading_t reading = {.celsius = celsius, .time_us = time_us, .source = "test"};

    readings_add(readings, &reading);
}

static void test_figures(void **state)
{
    readings_t readings;

    (void)state;
    readings_reset(&readings);
    assert_null(readings_newest(&readings));
    assert_int_equal(readings_kept(&readings), 0);
    assert_true(readings_mean(&readings) == 0);

    add(&readings, -3, 100);
    add(&readings, 5, 200);
    add(&readings, 4, 300);
    assert_int_equal(readings.count, 3);
    assert_true(readings.minimum == -3 && readings.maximum == 5 && readings_mean(&readings) == 2);
    assert_int_equal(readings.since_us, 100);
    assert_true(readings_newest(&readings)->celsius == 4);
    assert_true(readings_at(&readings, 0)->celsius == -3);

    readings_reset(&readings);
    add(&readings, 7, 400);
    assert_true(readings.minimum == 7 && readings.maximum == 7);
    assert_int_equal(readings.since_us, 400);
}

/* What fell out of the ring still counts in the figures. */
static void test_ring(void **state)
{
    readings_t readings;

    (void)state;
    readings_reset(&readings);
    for (int i = 0; i < READINGS_KEPT * 2 + 7; i++)
        add(&readings, i, i);
    assert_int_equal(readings.count, READINGS_KEPT * 2 + 7);
    assert_int_equal(readings_kept(&readings), READINGS_KEPT);
    for (size_t i = 0; i < READINGS_KEPT; i++)
        assert_int_equal(readings_at(&readings, i)->time_us, READINGS_KEPT + 7 + i);
    assert_true(readings.minimum == 0);
    assert_int_equal(readings.since_us, 0);
    assert_ptr_equal(readings_newest(&readings), readings_at(&readings, READINGS_KEPT - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
