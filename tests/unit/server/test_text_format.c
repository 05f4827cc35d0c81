#include "server/text_format.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TIME "2026-11-22T17:01:39.123456+00:00"

static void expect_format(const char *text, message_type_t type, const char *metadata, bool stored,
                          const char *expected)
{
    message_t message;
    buffer_t out;

    message_make(&message, "alice", "bob", text, strlen(text), type);
    if (metadata)
        message_set_metadata(&message, metadata);
    strcpy(message.timestamp, TIME);
    buffer_init(&out, 0);
    assert_int_equal(text_format_message(&out, &message, stored), ERR_OK);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    message_free(&message);
}

static void test_live_and_stored(void **state)
{
    (void)state;
    expect_format("hello", MESSAGE_CHAT, NULL, false, "[alice][" TIME "] hello\n");
    expect_format("hello", MESSAGE_CHAT, "{\"a\":1}", false, "[alice][" TIME "] hello\n");
    expect_format("hello", MESSAGE_CHAT, NULL, true, "[Stored] [CHAT][" TIME "][alice] hello\n");
    expect_format("21 C", MESSAGE_SUBSCRIPTION, "{\"a\":1}", true,
                  "[Stored] [SUBSCRIPTION][" TIME "][alice] 21 C Metadata: {\"a\":1}\n");
}

static void test_every_line_has_its_prefix(void **state)
{
    (void)state;
    expect_format("one\n[carol][" TIME "] two\n", MESSAGE_CHAT, NULL, false,
                  "[alice][" TIME "] one\n[alice][" TIME "] [carol][" TIME "] two\n[alice][" TIME "] \n");
    expect_format("one\ntwo", MESSAGE_CHAT, "{\"a\":1}", true,
                  "[Stored] [CHAT][" TIME "][alice] one\n"
                  "[Stored] [CHAT][" TIME "][alice] two Metadata: {\"a\":1}\n");
}

/* Line separators, and marks that turn the reading direction, are no way to forge a line either. */
static void test_no_forged_lines(void **state)
{
    static const char *const texts[] = {"a\xe2\x80\xa8[bob] b", "a\xe2\x80\xa9[bob] b",
                                        "a\xe2\x80\xae[bob] b", "a\xc2\x85[bob] b"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        message_t message;
        buffer_t out;
        message_make(&message, "alice", "bob", texts[i], strlen(texts[i]), MESSAGE_CHAT);
        strcpy(message.timestamp, TIME);
        buffer_init(&out, 0);
        assert_int_equal(text_format_message(&out, &message, false), ERR_OK);
        for (size_t at = 0; at + 1 < out.length; at++)
            assert_true(out.data[at] >= 0x20 && out.data[at] < 0x7f);
        buffer_free(&out);
        message_free(&message);
    }
}

static void expect_split(const char *line, const char *name, const char *text)
{
    const char *found_name, *found_text;
    size_t name_length, text_length;
    bool found = text_format_split(line, strlen(line), &found_name, &name_length, &found_text, &text_length);

    assert_int_equal(found, name != NULL);
    if (!name)
        return;
    assert_int_equal(name_length, strlen(name));
    assert_memory_equal(found_name, name, name_length);
    assert_int_equal(text_length, strlen(text));
    assert_memory_equal(found_text, text, text_length);
}

static void test_split(void **state)
{
    (void)state;
    expect_split("bob: hello", "bob", "hello");
    expect_split("  bob :hello: you ", "bob", "hello: you");
    expect_split("bob hello", NULL, NULL);
    expect_split(": hello", NULL, NULL);
    expect_split("bob:", NULL, NULL);
    expect_split("bob:  \t", NULL, NULL);
    expect_split("", NULL, NULL);
}

static void test_names(void **state)
{
    const char *names[] = {"ann", "bob", "carol"};
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    text_format_names(&out, names, 0, 0);
    text_format_names(&out, names, 1, 1);
    text_format_names(&out, names, 3, 3);
    text_format_names(&out, names, 3, 12);
    assert_string_equal(buffer_text(&out), "\nann\nann, bob, carol\nann, bob, carol (+9 more)\n");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_and_stored), cmocka_unit_test(test_every_line_has_its_prefix),
        cmocka_unit_test(test_no_forged_lines), cmocka_unit_test(test_split),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
