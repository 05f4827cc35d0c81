#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/line_reader.h"
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 10 };

/* Written as "[line]" each, "!" for a line too long. */
static void drain(line_reader_t *reader, buffer_t *seen)
{
    char *line;
    size_t length;
    line_status_t status;
    while ((status = line_reader_next(reader, &line, &length)) != LINE_NEED_MORE) {
        if (status == LINE_TOO_LONG) {
            buffer_append_char(seen, '!');
            continue;
        }
        assert_true(length <= reader->limit);
        assert_int_equal(line[length], '\0');
        buffer_append_char(seen, '[');
        buffer_append(seen, line, length);
        buffer_append_char(seen, ']');
        memset(line, 'X', length); /* it is the caller's to write on */
    }
}

static void feed(line_reader_t *reader, const char *data, size_t length, buffer_t *seen)
{
    /* A copy of its own, gone afterwards: the reader must not lean on it. */
    char *copy = alloc_bytes(length + 1);
    memcpy(copy, data, length);
    assert_int_equal(line_reader_feed(reader, copy, length), ERR_OK);
    free(copy);
    drain(reader, seen);
}

static const char input[] = "one\ntwo\r\n\n\r\n0123456789\n0123456789\r\n0123456789a\nok\n"
                            "0123456789\rb\nlong long long long long\r\na\rb\nn\0l\nlast\n";
static const char expected[] = "[one][two][][][0123456789][0123456789]![ok]!![a\rb][n\0l][last]";

static void assert_seen(buffer_t *seen)
{
    assert_int_equal(seen->length, sizeof expected - 1);
    assert_memory_equal(seen->data, expected, sizeof expected - 1);
    buffer_free(seen);
}

static void test_every_split_in_three(void **state)
{
    (void)state;
    size_t length = sizeof input - 1;
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            line_reader_t reader;
            buffer_t seen;
            line_reader_init(&reader, LIMIT);
            buffer_init(&seen, 0);
            feed(&reader, input, first, &seen);
            feed(&reader, input + first, second - first, &seen);
            feed(&reader, input + second, length - second, &seen);
            assert_int_equal(line_reader_pending(&reader), 0);
            assert_seen(&seen);
            line_reader_free(&reader);
        }
    }
}

static void test_pieces_of_every_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof input; piece++) {
        line_reader_t reader;
        buffer_t seen;
        line_reader_init(&reader, LIMIT);
        buffer_init(&seen, 0);
        for (size_t at = 0; at < sizeof input - 1; at += piece)
            feed(&reader, input + at, at + piece < sizeof input ? piece : sizeof input - 1 - at, &seen);
        assert_seen(&seen);
        line_reader_free(&reader);
    }
}

static void test_finish(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        line_status_t status;
        const char *line;
    } cases[] = {
        {"", LINE_NEED_MORE, NULL},
        {"half", LINE_OK, "half"},
        {"half\r", LINE_OK, "half"},
        {"\r", LINE_OK, ""},
        {"0123456789\r", LINE_OK, "0123456789"},
        {"0123456789a", LINE_TOO_LONG, NULL},
        {"much too long for this", LINE_TOO_LONG, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        line_reader_t reader;
        buffer_t seen;
        char *line;
        size_t length;
        line_reader_init(&reader, LIMIT);
        buffer_init(&seen, 0);
        feed(&reader, "before\n", 7, &seen);
        feed(&reader, cases[i].text, strlen(cases[i].text), &seen);
        assert_int_equal(line_reader_pending(&reader) > 0, cases[i].status != LINE_NEED_MORE);
        assert_int_equal(line_reader_finish(&reader, &line, &length), cases[i].status);
        if (cases[i].line != NULL) {
            assert_string_equal(line, cases[i].line);
            assert_int_equal(length, strlen(cases[i].line));
        }
        assert_int_equal(line_reader_finish(&reader, &line, &length), LINE_NEED_MORE);
        assert_int_equal(line_reader_pending(&reader), 0);
        /* Silence is not the end: it goes on. */
        feed(&reader, "after\n", 6, &seen);
        assert_string_equal(buffer_text(&seen), "[before][after]");
        buffer_free(&seen);
        line_reader_free(&reader);
    }
}

static void test_finish_hands_out_whole_lines_first(void **state)
{
    (void)state;
    line_reader_t reader;
    char *line;
    size_t length;
    line_reader_init(&reader, LIMIT);
    assert_int_equal(line_reader_feed(&reader, "a\nb", 3), ERR_OK);
    assert_int_equal(line_reader_finish(&reader, &line, &length), LINE_OK);
    assert_string_equal(line, "a");
    assert_int_equal(line_reader_finish(&reader, &line, &length), LINE_OK);
    assert_string_equal(line, "b");
    assert_int_equal(line_reader_finish(&reader, &line, &length), LINE_NEED_MORE);
    line_reader_free(&reader);
}

static void test_memory_stays_bounded(void **state)
{
    (void)state;
    line_reader_t reader;
    buffer_t seen;
    static char block[4096];
    memset(block, 'x', sizeof block);
    line_reader_init(&reader, LIMIT);
    buffer_init(&seen, 0);
    for (int i = 0; i < 1000; i++) {
        feed(&reader, block, sizeof block, &seen);
        assert_true(reader.pending.capacity <= 4 * sizeof block);
        assert_true(line_reader_pending(&reader) > LIMIT);
    }
    assert_int_equal(seen.length, 0);
    feed(&reader, "\nfine\n", 6, &seen);
    assert_string_equal(buffer_text(&seen), "![fine]");
    buffer_free(&seen);
    line_reader_free(&reader);

    /* What a large line took is given back when nothing waits any more. */
    line_reader_init(&reader, 1 << 20);
    for (int i = 0; i < 200; i++)
        assert_int_equal(line_reader_feed(&reader, block, sizeof block), ERR_OK);
    assert_int_equal(line_reader_pending(&reader), 200 * sizeof block);
    assert_int_equal(line_reader_feed(&reader, "\n", 1), ERR_OK);
    drain(&reader, &seen);
    assert_int_equal(seen.length, 200 * sizeof block + 2);
    assert_true(reader.pending.capacity <= 16 * 1024);
    buffer_free(&seen);
    line_reader_free(&reader);
}

static void test_many_small_lines_in_one_feed(void **state)
{
    (void)state;
    enum { LINES = 300000 };
    line_reader_t reader;
    char *all = alloc_bytes(LINES * 2), *line;
    for (size_t i = 0; i < LINES; i++)
        memcpy(all + 2 * i, "a\n", 2);
    line_reader_init(&reader, LIMIT);
    assert_int_equal(line_reader_feed(&reader, all, LINES * 2), ERR_OK);
    size_t count = 0, length;
    while (line_reader_next(&reader, &line, &length) ==
           LINE_OK) /* would take minutes if each line moved the rest */
        count++;
    assert_int_equal(count, LINES);
    free(all);
    line_reader_free(&reader);
}

static void test_reset(void **state)
{
    line_reader_t reader;
    buffer_t seen;

    (void)state;
    line_reader_init(&reader, LIMIT);
    buffer_init(&seen, 0);
    feed(&reader, "half", 4, &seen);
    line_reader_reset(&reader);
    feed(&reader, "one\nlong long long", 18, &seen);
    line_reader_reset(&reader);
    assert_int_equal(line_reader_pending(&reader), 0);
    feed(&reader, "two\n", 4, &seen);
    assert_string_equal(buffer_text(&seen), "[one][two]");
    line_reader_free(&reader);
    buffer_free(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split_in_three),
        cmocka_unit_test(test_pieces_of_every_size),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_finish_hands_out_whole_lines_first),
        cmocka_unit_test(test_memory_stays_bounded),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_many_small_lines_in_one_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
