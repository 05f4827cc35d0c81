#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/log.h"
#include "common/text.h"
#include "common/timestamp.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char written[16 * 1024];

static int set_up(void **state)
{
    log_t *log = alloc_new(log_t);
    log_init(log, "tester", LOG_INFO);
    assert_int_equal(log->descriptor, STDERR_FILENO);
    log->descriptor = memfd_create("log", 0);
    *state = log;
    return log->descriptor < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    log_t *log = *state;
    close(log->descriptor);
    free(log);
    return 0;
}

/* All that was logged since the last call. */
static const char *take(const log_t *log)
{
    lseek(log->descriptor, 0, SEEK_SET);
    ssize_t length = read(log->descriptor, written, sizeof written - 1);
    assert_true(length >= 0);
    written[length] = '\0';
    assert_int_equal(ftruncate(log->descriptor, 0), 0);
    lseek(log->descriptor, 0, SEEK_SET);
    return written;
}

/* Behind the time, which is checked. */
static const char *take_line(const log_t *log)
{
    const char *line = take(log);
    size_t length = strlen(line);
    assert_true(length > TIMESTAMP_SIZE && line[length - 1] == '\n');
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    char time[TIMESTAMP_SIZE];
    int64_t microseconds;
    memcpy(time, line, TIMESTAMP_SIZE - 1);
    time[TIMESTAMP_SIZE - 1] = '\0';
    assert_int_equal(timestamp_parse(time, &microseconds), ERR_OK);
    return line + TIMESTAMP_SIZE;
}

static void test_line(void **state)
{
    const log_t *log = *state;
    log_info(log, "session_closed", "user=%s reason=too_slow", "alice");
    assert_string_equal(take_line(log), "info tester session_closed user=\"alice\" reason=too_slow\n");
    log_error(log, "plain", "%s", "");
    assert_string_equal(take_line(log), "error tester plain \"\"\n");
    const char *volatile nothing = NULL; /* the compiler knows that printf would not take it */
    log_event(log, LOG_WARNING, "none", "no=%s", nothing);
    assert_string_equal(take_line(log), "warning tester none no=\"\"\n");
    log_event(log, LOG_INFO, "nothing", "x");
    assert_string_equal(take_line(log), "info tester nothing x\n");
}

static void test_numbers(void **state)
{
    const log_t *log = *state;
    log_info(log, "n", "a=%d b=%u c=%ld d=%lu e=%lld f=%llu g=%zu h=%.2f i=%f j=%% k=%s", -1, 2u, -3L, 4ul,
             -5LL, 6ULL, (size_t)7, 8.125, 9.0, "end");
    assert_string_equal(take_line(log),
                        "info tester n a=-1 b=2 c=-3 d=4 e=-5 f=6 g=7 h=8.12 i=9.000000 j=% k=\"end\"\n");
    log_info(log, "n", "a=%lld b=%llu c=%d", (long long)INT64_MIN, (unsigned long long)UINT64_MAX, 1);
    assert_string_equal(take_line(log), "info tester n a=-9223372036854775808 b=18446744073709551615 c=1\n");
}

/* Nobody's text can end a line, its quotes, or turn a terminal. */
static void test_no_forging(void **state)
{
    const log_t *log = *state;
    log_info(log, "login", "user=%s ok=%d",
             "a\n2026-11-22T17:01:39.123456+00:00 info tester login user=\"root", 0);
    assert_string_equal(take_line(log),
                        "info tester login user=\"a\\x0A2026-11-22T17:01:39.123456+00:00 info tester login "
                        "user=\\\"root\" ok=0\n");
    log_info(log, "login", "user=%s", "a\" admin=\"1\\");
    assert_string_equal(take_line(log), "info tester login user=\"a\\\" admin=\\\"1\\\\\"\n");
    log_info(log, "login", "user=%s", "\r\033[2J\x7F\xC2\x9B\xE2\x80\xAE\xE2\x80\xA8\t\xFF%s%n");
    assert_string_equal(take_line(log),
                        "info tester login "
                        "user=\"\\x0D\\x1B[2J\\x7F\\x9B\\u{202E}\\u{2028}\\x09\xEF\xBF\xBD%s%n\"\n");
}

static void test_levels(void **state)
{
    log_t *log = *state;
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (int least = LOG_DEBUG; least <= LOG_ERROR; least++) {
        log_level_t level;
        assert_true(log_level_parse(names[least], &level));
        assert_int_equal(level, least);
        log->level = level;
        for (int given = LOG_DEBUG; given <= LOG_ERROR; given++) {
            log_event(log, (log_level_t)given, "event", "%s", "x");
            assert_int_equal(strlen(take(log)) > 0, given >= least);
        }
    }
    log_level_t untouched = LOG_WARNING;
    assert_false(log_level_parse("loud", &untouched));
    assert_false(log_level_parse("INFO", &untouched));
    assert_false(log_level_parse("", &untouched));
    assert_int_equal(untouched, LOG_WARNING);
    log_event(NULL, LOG_ERROR, "event", "%s", "nobody listens");
}

static void test_long_lines_are_cut(void **state)
{
    const log_t *log = *state;
    static const char *const pieces[] = {"x", "\n", "\"", "\xC3\xA9", "\xE2\x80\xAE", "\xFF"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        /* Every way in which the last piece can meet the limit. */
        for (int start = 0; start < 8; start++) {
            buffer_t text;
            buffer_init(&text, 0);
            for (int n = 0; n < start; n++)
                buffer_append_char(&text, 'a');
            while (text.length < 6000)
                buffer_append_text(&text, pieces[i]);
            log_info(log, "long", "text=%s n=%d", buffer_text(&text), 1);
            const char *line = take_line(log);
            size_t length = strlen(line);
            assert_in_range(length + TIMESTAMP_SIZE, 2000, 4096);
            assert_true(text_is_message(line, length));
            buffer_free(&text);
        }
    }
}

static void test_nowhere_to_write(void **state)
{
    log_t *log = *state;
    int kept = log->descriptor;
    log->descriptor = open("/dev/full", O_WRONLY);
    log_info(log, "event", "%s", "x");
    close(log->descriptor);
    log->descriptor = -1;
    log_info(log, "event", "%s", "x");
    log->descriptor = kept;
    log_info(log, "event", "%s", "x");
    assert_string_equal(take_line(log), "info tester event \"x\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_forging, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nowhere_to_write, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
