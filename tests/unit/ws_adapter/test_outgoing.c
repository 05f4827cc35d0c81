#include "ws_adapter/outgoing.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* needs the four above */
#include <cmocka.h>

enum { ROOM = 16 };

static outgoing_t outgoing;

static int set_up(void **state)
{
    (void)state;
    outgoing_init(&outgoing, ROOM);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    outgoing_free(&outgoing);
    return 0;
}

static void push_length(size_t length)
{
    char *text = malloc(length + 1);

    memset(text, 'x', length + 1);
    assert_true(outgoing_push(&outgoing, text, length, NULL, NULL));
    free(text);
}

/* The headers of RFC 6455, section 5.2, for every way to write a length. */
static void test_headers(void **state)
{
    static const struct {
        size_t length, header;
        unsigned char bytes[10];
    } frames[] = {
        {0, 2, {0x81, 0}},
        {125, 2, {0x81, 125}},
        {126, 4, {0x81, 126, 0, 126}},
        {300, 4, {0x81, 126, 1, 44}},
        {65535, 4, {0x81, 126, 255, 255}},
        {65536, 10, {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
        {70000, 10, {0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70}},
    };
    size_t length;

    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        push_length(frames[i].length);
        char *next = outgoing_next(&outgoing, 1, &length);
        assert_int_equal(length, frames[i].header + frames[i].length);
        assert_memory_equal(next, frames[i].bytes, frames[i].header);
        assert_int_equal(outgoing.bytes, length);
        outgoing_drop(&outgoing, length);
        assert_null(outgoing_next(&outgoing, 1, &length));
    }
    assert_null(outgoing.frames.data);
}

static void test_whole_frames_together(void **state)
{
    size_t length;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(outgoing_push(&outgoing, "abcdefgh", 8, NULL, NULL));
    char *next = outgoing_next(&outgoing, 29, &length);
    assert_int_equal(length, 20);
    assert_memory_equal(next,
                        "\x81\x08"
                        "abcdefgh"
                        "\x81\x08"
                        "abcdefgh",
                        20);
    assert_ptr_equal(next, outgoing.frames.data + ROOM);
    assert_non_null(outgoing_next(&outgoing, 30, &length));
    assert_int_equal(length, 30);
    push_length(100);
    outgoing_drop(&outgoing, 30);
    outgoing_next(&outgoing, 10, &length); /* the first goes out whatever its size */
    assert_int_equal(length, 102);
}

static void test_got_when_written(void **state)
{
    outgoing_got_t *got;

    (void)state;
    assert_true(outgoing_push(&outgoing, "one", 3, "alice", "1"));
    assert_true(outgoing_push(&outgoing, "two", 3, NULL, NULL));
    assert_true(outgoing_push(&outgoing, "three", 5, "bob", "3"));
    assert_null(outgoing_pop_got(&outgoing, 0));
    outgoing_drop(&outgoing, 5);
    got = outgoing_pop_got(&outgoing, 0);
    assert_string_equal(got->sender, "alice");
    assert_string_equal(got->id, "1");
    free(got);
    outgoing_drop(&outgoing, 5);
    assert_null(outgoing_pop_got(&outgoing, 0));
    outgoing_drop(&outgoing, 7);
    assert_null(outgoing_pop_got(&outgoing, 1)); /* its last byte has not arrived */
    got = outgoing_pop_got(&outgoing, 0);
    assert_string_equal(got->sender, "bob");
    free(got);
    assert_null(outgoing_pop_got(&outgoing, 0));
}

/* A reader that lags: what is written is given back, and nothing is lost or turned round. */
static void test_lagging_reader(void **state)
{
    char text[16];
    size_t length;
    int pushed = 0, read = 0;

    (void)state;
    for (int turn = 0; turn < 2000; turn++) {
        for (int i = 0; i < (turn < 1000 ? 2 : 0); i++) {
            snprintf(text, sizeof text, "%010d", pushed++);
            assert_true(outgoing_push(&outgoing, text, 10, "alice", text));
        }
        char *next = outgoing_next(&outgoing, 12, &length);
        snprintf(text, sizeof text, "%010d", read++);
        assert_int_equal(length, 12);
        assert_memory_equal(next + 2, text, 10);
        outgoing_drop(&outgoing, length);
        outgoing_got_t *got = outgoing_pop_got(&outgoing, 0);
        assert_string_equal(got->id, text);
        free(got);
        assert_true(outgoing.frames.length <= ROOM + 2 * (outgoing.bytes + ROOM + 12));
    }
    assert_int_equal(read, pushed);
    assert_int_equal(outgoing.bytes, 0);
}

static void test_free_drops_all(void **state)
{
    size_t length;

    (void)state;
    assert_true(outgoing_push(&outgoing, "one", 3, "alice", "1"));
    outgoing_free(&outgoing);
    assert_int_equal(outgoing.bytes, 0);
    assert_null(outgoing_pop_got(&outgoing, 0));
    assert_true(outgoing_push(&outgoing, "two", 3, "alice", "2"));
    assert_memory_equal(outgoing_next(&outgoing, 1, &length), "\x81\x03two", 5);
    outgoing_drop(&outgoing, 5);
    outgoing_got_t *got = outgoing_pop_got(&outgoing, 0);
    assert_string_equal(got->id, "2");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whole_frames_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_got_when_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lagging_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_free_drops_all, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
