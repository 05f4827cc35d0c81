#include "thermometer/room.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
#define DAY_S     86400

static const int64_t MIDNIGHT_US = INT64_C(1795305600) * SECOND_US; /* 2026-11-22 */

static void test_bounded_and_smooth(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        double before = room_temperature(seed, MIDNIGHT_US);
        for (int64_t second = 1; second < DAY_S; second += 1) {
            double now = room_temperature(seed, MIDNIGHT_US + second * SECOND_US);
            assert_true(now > ROOM_LOWEST && now < ROOM_HIGHEST);
            assert_true(fabs(now - before) < 0.1);
            before = now;
        }
    }
}

static double mean_of_hours(uint64_t seed, int from, int to)
{
    double sum = 0;

    for (int minute = from * 60; minute < to * 60; minute++)
        sum += room_temperature(seed, MIDNIGHT_US + minute * 60 * SECOND_US);
    return sum / ((to - from) * 60);
}

static void test_day_is_warmer_than_night(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        assert_true(mean_of_hours(seed, 13, 19) > mean_of_hours(seed, 1, 7) + 1);
}

static void test_seed_decides(void **state)
{
    int differ = 0;

    (void)state;
    for (int64_t minute = 0; minute < 100; minute++) {
        int64_t at = MIDNIGHT_US + minute * 60 * SECOND_US + 123456;
        assert_true(room_temperature(7, at) == room_temperature(7, at));
        differ += fabs(room_temperature(7, at) - room_temperature(8, at)) > 0.01;
    }
    assert_true(differ > 90);
}

/* A chart with a reading every second shows something, and no long stretch stands still. */
static void test_moves(void **state)
{
    (void)state;
    for (int64_t minute = 0; minute < 1440; minute++) {
        double lowest = ROOM_HIGHEST, highest = ROOM_LOWEST;
        for (int second = 0; second < 60; second++) {
            double now = room_temperature(1, MIDNIGHT_US + (minute * 60 + second) * SECOND_US);
            lowest = fmin(lowest, now);
            highest = fmax(highest, now);
        }
        assert_true(highest - lowest > 0.03);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded_and_smooth),
        cmocka_unit_test(test_day_is_warmer_than_night),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
