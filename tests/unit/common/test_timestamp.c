#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/timestamp.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

static void assert_time(const char *text, const char *wanted)
{
    int64_t time;
    char out[TIMESTAMP_SIZE];
    if (timestamp_parse(text, &time) != ERR_OK)
        fail_msg("refused: '%s'", text);
    timestamp_format(time, out);
    assert_string_equal(out, wanted);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const char *const times[] = {
        "1970-01-01T00:00:00.000000+00:00",
        "2026-11-22T17:01:39.123456+00:00",
        "2000-02-29T23:59:59.999999+00:00",
        "9999-12-31T23:59:59.000001+00:00",
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_time(times[i], times[i]);
    int64_t time;
    assert_int_equal(timestamp_parse("2026-11-22T17:01:39.123456+00:00", &time), ERR_OK);
    assert_int_equal(time, INT64_C(1795366899123456));
}

static void test_other_forms(void **state)
{
    (void)state;
    assert_time("2026-11-22T17:01:39Z", "2026-11-22T17:01:39.000000+00:00");
    assert_time("2026-11-22t17:01:39z", "2026-11-22T17:01:39.000000+00:00");
    assert_time("2026-11-22 17:01:39", "2026-11-22T17:01:39.000000+00:00");
    assert_time("2026-11-22T17:01:39.5", "2026-11-22T17:01:39.500000+00:00");
    assert_time("2026-11-22T17:01:39,25Z", "2026-11-22T17:01:39.250000+00:00");
    assert_time("2026-11-22T17:01:39.123456789Z", "2026-11-22T17:01:39.123456+00:00");
    assert_time("2026-11-22T17:01:39+05:30", "2026-11-22T11:31:39.000000+00:00");
    assert_time("2026-11-22T17:01:39-23:59", "2026-11-23T17:00:39.000000+00:00");
    assert_time("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000+00:00"); /* a leap second */
    assert_time("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00.000000+00:00");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "now",
        "2026-11-22",
        "2026-11-22T17:01",
        "2026-11-22T17:01:39.",
        "2026-11-22T17:01:39.Z",
        "2026-11-22T17:01:39.1234567890Z",
        "2026-11-22T17:01:39+0000",
        "2026-11-22T17:01:39+00",
        "2026-11-22T17:01:39+24:00",
        "2026-11-22T17:01:39+00:60",
        "2026-11-22T17:01:39Zjunk",
        "2026-11-22T17:01:39 Z",
        " 2026-11-22T17:01:39Z",
        "2026-00-22T17:01:39Z",
        "2026-13-22T17:01:39Z",
        "2026-11-00T17:01:39Z",
        "2026-11-31T17:01:39Z",
        "2026-02-29T17:01:39Z",
        "1900-02-29T17:01:39Z",
        "2026-11-22T24:01:39Z",
        "2026-11-22T17:60:39Z",
        "2026-11-22T17:01:61Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "-026-11-22T17:01:39Z",
        "2026-11-22T17:01:39\302\26101:00",
        "12026-11-22T17:01:39Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t time = 42;
        if (timestamp_parse(texts[i], &time) != ERR_INVALID_TIMESTAMP)
            fail_msg("taken: '%s'", texts[i]);
        assert_int_equal(time, 42);
    }
}

static void test_beyond_what_can_be_written(void **state)
{
    (void)state;
    char out[TIMESTAMP_SIZE];
    timestamp_format(-1, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000000+00:00");
    timestamp_format(INT64_MIN, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000000+00:00");
    timestamp_format(INT64_MAX, out);
    assert_string_equal(out, "9999-12-31T23:59:59.775807+00:00");
}

static void test_now(void **state)
{
    (void)state;
    char out[TIMESTAMP_SIZE];
    int64_t last = 0, written, before, after;
    for (int i = 0; i < 1000; i++) {
        before = timestamp_now();
        timestamp_format_now(out);
        after = timestamp_now();
        assert_int_equal(timestamp_parse(out, &written), ERR_OK);
        assert_true(before <= written && written <= after && written >= last);
        last = written;
    }
    assert_in_range(last / 1000000, time(NULL) - 5, time(NULL) + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_beyond_what_can_be_written),
        cmocka_unit_test(test_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
