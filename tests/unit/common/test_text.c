#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/text.h"
#include <stdlib.h>
#include <string.h>

/* From a copy without a byte behind it, so that reading too far is seen. */
static bool check(bool (*is)(const char *, size_t), const char *text, size_t length)
{
    char *copy = alloc_bytes(length);
    memcpy(copy, text, length);
    bool result = is(copy, length);
    free(copy);
    return result;
}
#define IS_MESSAGE(text) check(text_is_message, "" text, sizeof(text) - 1)
#define IS_UTF8(text)    check(text_is_utf8, "" text, sizeof(text) - 1)

static void test_broken_utf8(void **state)
{
    (void)state;
    assert_true(IS_UTF8(""));
    assert_true(
        IS_UTF8("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
    assert_false(IS_UTF8("\x80"));
    assert_false(IS_UTF8("\xC0\x80"));
    assert_false(IS_UTF8("\xC1\xBF"));
    assert_false(IS_UTF8("\xE0\x9F\xBF"));
    assert_false(IS_UTF8("\xED\xA0\x80"));
    assert_false(IS_UTF8("\xF0\x8F\xBF\xBF"));
    assert_false(IS_UTF8("\xF4\x90\x80\x80"));
    assert_false(IS_UTF8("\xF5\x80\x80\x80"));
    assert_false(IS_UTF8("\xC3"));
    assert_false(IS_UTF8("\xE2\x82"));
    assert_false(IS_UTF8("\xF0\x9F\x98"));
    assert_false(IS_UTF8("\xE2\x28\xA1"));
    assert_false(IS_UTF8("a\0b"));
    assert_false(IS_UTF8("12345678\xFF"));
    assert_false(IS_UTF8("1234567\xFF"
                         "9"));
}

static void test_message(void **state)
{
    (void)state;
    assert_true(IS_MESSAGE("hello\tthere\nyou ~ caf\xC3\xA9 \xF0\x9F\x98\x80"));
    for (int c = 0; c < 256; c++) {
        /* At each place of the eight that are looked at together. */
        for (int place = 0; place < 17; place++) {
            char text[17];
            memset(text, 'a', sizeof text);
            text[place] = (char)c;
            bool wanted = c == '\t' || c == '\n' || (c >= 0x20 && c < 0x7F);
            assert_int_equal(check(text_is_message, text, sizeof text), wanted);
        }
    }
    assert_false(IS_MESSAGE("\xC2\x80"));
    assert_false(IS_MESSAGE("\xC2\x9F"));
    assert_true(IS_MESSAGE("\xC2\xA0"));
}

static void assert_printable(const char *text, bool keep_tab, const char *wanted)
{
    buffer_t out;
    buffer_init(&out, 0);
    buffer_append_text(&out, ">");
    assert_int_equal(text_append_printable(&out, text, strlen(text), keep_tab), ERR_OK);
    assert_string_equal(buffer_text(&out) + 1, wanted);
    buffer_free(&out);
}

static void test_printable(void **state)
{
    (void)state;
    assert_printable("plain caf\xC3\xA9", false, "plain caf\xC3\xA9");
    assert_printable("a\nb\rc\033[2J\x7F", false, "a\\x0Ab\\x0Dc\\x1B[2J\\x7F");
    assert_printable("a\tb", false, "a\\x09b");
    assert_printable("a\tb", true, "a\tb");
    assert_printable("\xC2\x9B"
                     "2J",
                     true, "\\x9B2J");
    assert_printable("\xE2\x80\xA8\xE2\x80\xA9", true, "\\u{2028}\\u{2029}");
    assert_printable("\xE2\x80\xAE\xE2\x81\xA9\xD8\x9C", true, "\\u{202E}\\u{2069}\\u{061C}");
    assert_printable("a\xFF\xC3", true, "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_printable_is_whole_or_nothing(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 6);
    assert_int_equal(text_append_printable(&out, "ab", 2, false), ERR_OK);
    assert_int_equal(text_append_printable(&out, "cd\n", 3, false), ERR_TOO_LONG);
    assert_string_equal(buffer_text(&out), "ab");
    assert_int_equal(out.length, 2);
    buffer_free(&out);
}

static void test_trim_and_words(void **state)
{
    (void)state;
    const char *text = " \t a b\t ";
    size_t length = strlen(text);
    text_trim(&text, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a b", 3);
    text = " \t ";
    length = 3;
    text_trim(&text, &length);
    assert_int_equal(length, 0);
    text = "\n";
    length = 1;
    text_trim(&text, &length);
    assert_int_equal(length, 1);
    assert_true(text_is_word("EXITx", 4, "exit"));
    assert_false(text_is_word("exi", 3, "exit"));
    assert_false(text_is_word("exits", 5, "exit"));
}

static void test_items(void **state)
{
    (void)state;
    static const char *const wanted[] = {"a", "b c", "d"};
    const char *list = ",a, ,\tb c ,,d,", *item;
    size_t length, count = 0;
    while (text_next_item(&list, &item, &length)) {
        assert_in_range(count, 0, 2);
        assert_int_equal(length, strlen(wanted[count]));
        assert_memory_equal(item, wanted[count++], length);
    }
    assert_int_equal(count, 3);
    assert_string_equal(list, "");
    list = "";
    assert_false(text_next_item(&list, &item, &length));
}

static void test_secrets(void **state)
{
    (void)state;
    assert_true(text_equal_secret("token", "token"));
    assert_true(text_equal_secret("", ""));
    assert_false(text_equal_secret("token", "Token"));
    assert_false(text_equal_secret("token", "toker"));
    assert_false(text_equal_secret("toke", "token"));
    assert_false(text_equal_secret("tokentoken", "token"));
    assert_false(text_equal_secret("", "token"));
    assert_false(text_equal_secret("token", ""));
}

static void test_cut(void **state)
{
    (void)state;
    const char *text = "a\xC3\xA9\xF0\x9F\x98\x80z"; /* 1, 2, 4 and 1 bytes */
    static const size_t wanted[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    for (size_t limit = 0; limit < sizeof wanted / sizeof wanted[0]; limit++)
        assert_int_equal(text_cut(text, 8, limit), wanted[limit]);
}

/* At every place of every length, every byte; and another one behind it. */
static void test_plain(void **state)
{
    (void)state;
    char text[40];
    for (size_t length = 0; length <= sizeof text; length++) {
        for (size_t i = 0; i < length; i++) {
            for (int c = 0; c < 256; c++) {
                bool is_plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
                memset(text, c % 2 ? '#' : ']', sizeof text); /* neighbours of '"' and '\\' */
                text[i] = (char)c;
                assert_int_equal(text_plain_length(text, length), is_plain ? length : i);
                memset(text + i + 1, 255 - c, length - i - 1);
                if (!is_plain)
                    assert_int_equal(text_plain_length(text, length), i);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_printable_is_whole_or_nothing),
        cmocka_unit_test(test_trim_and_words),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
