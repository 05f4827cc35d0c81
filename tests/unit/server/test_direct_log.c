#include "server/direct_log.h"
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(direct_log_t *log, uint64_t offset, const char *sender, const char *text)
{
    direct_record_t record = {.offset = offset,
                              .origin = offset + 1,
                              .timestamp = (int64_t)offset + 2,
                              .sender = sender,
                              .sender_length = strlen(sender),
                              .text = text,
                              .text_length = strlen(text)};

    assert_int_equal(direct_log_add(log, &record), ERR_OK);
}

static void expect(const direct_log_t *log, uint64_t offset, const char *sender, const char *text)
{
    direct_record_t record;

    assert_true(direct_log_first(log, &record));
    assert_int_equal(record.offset, offset);
    assert_int_equal(record.origin, offset + 1);
    assert_int_equal(record.timestamp, offset + 2);
    assert_int_equal(record.sender_length, strlen(sender));
    assert_memory_equal(record.sender, sender, strlen(sender));
    assert_int_equal(record.text_length, strlen(text));
    assert_memory_equal(record.text, text, strlen(text));
}

static void test_oldest_first(void **state)
{
    direct_log_t log;

    (void)state;
    direct_log_init(&log);
    assert_true(direct_log_is_empty(&log));
    add(&log, 10, "alice", "one");
    add(&log, 20, "bo", "two two");
    expect(&log, 10, "alice", "one");
    direct_log_drop(&log);
    expect(&log, 20, "bo", "two two");
    assert_false(direct_log_is_empty(&log));
    direct_log_drop(&log);
    assert_true(direct_log_is_empty(&log));
    direct_log_trim(&log);
    assert_null(log.block);
}

static void test_with_ids(void **state)
{
    direct_record_t record = {
        .id = "m-1", .id_length = 3, .sender = "bo", .sender_length = 2, .text = "hello", .text_length = 5};
    direct_log_t log;

    (void)state;
    direct_log_init(&log);
    assert_int_equal(direct_log_add(&log, &record), ERR_OK);
    add(&log, 7, "alice", "without one");
    assert_true(direct_log_first(&log, &record));
    assert_true(record.id_length == 3 && memcmp(record.id, "m-1", 3) == 0);
    assert_true(record.sender_length == 2 && memcmp(record.sender, "bo", 2) == 0);
    assert_true(record.text_length == 5 && memcmp(record.text, "hello", 5) == 0);
    direct_log_drop(&log);
    expect(&log, 7, "alice", "without one");
    assert_true(direct_log_first(&log, &record));
    assert_int_equal(record.id_length, 0);
    direct_log_free(&log);
}

static void add_of_read(direct_log_t *log, uint64_t offset, int64_t read, const char *text)
{
    direct_record_t record = {.offset = offset,
                              .origin = 1,
                              .timestamp = read,
                              .sender = "alice",
                              .sender_length = 5,
                              .text = text,
                              .text_length = strlen(text)};

    assert_int_equal(direct_log_add(log, &record), ERR_OK);
}

static void expect_of_read(const direct_log_t *log, uint64_t offset, int64_t read, const char *text)
{
    direct_record_t record;

    assert_true(direct_log_first(log, &record));
    assert_int_equal(record.offset, offset);
    assert_int_equal(record.timestamp, read);
    assert_true(record.sender_length == 5 && memcmp(record.sender, "alice", 5) == 0);
    assert_true(record.text_length == strlen(text) && memcmp(record.text, text, strlen(text)) == 0);
}

/* Records of one read lie together; what is passed ends among them, behind them, or is all. */
static void test_passes_up_to(void **state)
{
    direct_log_t log;

    (void)state;
    direct_log_init(&log);
    assert_int_equal(direct_log_pass(&log, 100), 0);
    for (uint64_t i = 1; i <= 8; i++)
        add_of_read(&log, i * 10, (int64_t)(i <= 4 ? 1 : 2), i % 2 ? "odd" : "evens");
    assert_int_equal(direct_log_pass(&log, 9), 0);
    expect_of_read(&log, 10, 1, "odd");
    assert_int_equal(direct_log_pass(&log, 29), 2);
    expect_of_read(&log, 30, 1, "odd");
    assert_int_equal(direct_log_pass(&log, 50), 3);
    expect_of_read(&log, 60, 2, "evens");
    direct_log_drop(&log);
    add_of_read(&log, 90, 2, "behind");
    expect_of_read(&log, 70, 2, "odd");
    assert_int_equal(direct_log_pass(&log, 80), 2);
    expect_of_read(&log, 90, 2, "behind");
    assert_int_equal(direct_log_pass(&log, UINT64_MAX), 1);
    assert_true(direct_log_is_empty(&log));
    assert_int_equal(direct_log_bytes(&log), 0);
    add_of_read(&log, 100, 2, "anew");
    expect_of_read(&log, 100, 2, "anew");
    direct_log_free(&log);
}

/* No offset and no time further than what one run can say. */
static void test_far_apart(void **state)
{
    direct_log_t log;

    (void)state;
    direct_log_init(&log);
    add_of_read(&log, 1, 1, "near");
    add_of_read(&log, UINT64_C(1) << 40, 1, "far");
    add_of_read(&log, UINT64_MAX, 1, "json");
    expect_of_read(&log, 1, 1, "near");
    assert_int_equal(direct_log_pass(&log, 1), 1);
    expect_of_read(&log, UINT64_C(1) << 40, 1, "far");
    direct_log_drop(&log);
    expect_of_read(&log, UINT64_MAX, 1, "json");
    direct_log_free(&log);
}

/* The front is given back on the way: memory follows what is in it, not what was. */
static void test_long_run(void **state)
{
    enum { COUNT = 100000, BEHIND = 100 };
    direct_log_t log;
    char text[32];

    (void)state;
    direct_log_init(&log);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "message %d", i);
        add(&log, (uint64_t)i, "alice", text);
        if (i < BEHIND)
            continue;
        snprintf(text, sizeof text, "message %d", i - BEHIND);
        expect(&log, (uint64_t)(i - BEHIND), "alice", text);
        direct_log_drop(&log);
    }
    assert_true(malloc_usable_size(log.block) < 512 * 1024);
    direct_log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oldest_first), cmocka_unit_test(test_with_ids),
        cmocka_unit_test(test_passes_up_to), cmocka_unit_test(test_far_apart),
        cmocka_unit_test(test_long_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
