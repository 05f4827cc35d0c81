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
    size_t bytes = direct_log_record_bytes(&record);
    assert_true(direct_log_first(&log, &record));
    assert_int_equal(direct_log_record_bytes(&record), bytes);
    assert_true(record.id_length == 3 && memcmp(record.id, "m-1", 3) == 0);
    assert_true(record.sender_length == 2 && memcmp(record.sender, "bo", 2) == 0);
    assert_true(record.text_length == 5 && memcmp(record.text, "hello", 5) == 0);
    direct_log_drop(&log);
    expect(&log, 7, "alice", "without one");
    assert_true(direct_log_first(&log, &record));
    assert_int_equal(record.id_length, 0);
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
        cmocka_unit_test(test_oldest_first),
        cmocka_unit_test(test_with_ids),
        cmocka_unit_test(test_long_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
