#include "client/commands.h"
#include "client/typed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs those four before it */
#include <cmocka.h>

static typed_t parse(const char *line)
{
    return typed_parse(line, strlen(line), 20);
}

static void assert_message(const char *line, const char *destination, const char *text)
{
    typed_t typed = parse(line);
    assert_int_equal(typed.kind, TYPED_MESSAGE);
    assert_string_equal(typed.destination, destination);
    assert_int_equal(typed.length, strlen(text));
    assert_memory_equal(typed.text, text, typed.length);
}

static void assert_wrong(const char *line, const char *code)
{
    typed_t typed = parse(line);
    assert_int_equal(typed.kind, TYPED_WRONG);
    assert_string_equal(typed.code, code);
    assert_true(typed.why[0] != '\0');
}

static void test_messages(void **state)
{
    (void)state;
    assert_message("bob: hello", "bob", "hello");
    assert_message("bob:hello", "bob", "hello");
    assert_message("  bob :  hello  ", "bob", "hello");
    assert_message("bob: at 10:30", "bob", "at 10:30");
    assert_message("bob: !help", "bob", "!help");
    assert_message("bob: one\ntwo", "bob", "one\ntwo");
    assert_message("J\xc3\xb6rg: hi", "J\xc3\xb6rg", "hi");
    assert_message("Jo\xcc\x88rg: hi", "J\xc3\xb6rg", "hi"); /* NFC */
    assert_message("all: hi", "all", "hi");
    assert_message("bob: 12345678901234567890", "bob", "12345678901234567890");
}

static void test_wrong_lines(void **state)
{
    (void)state;
    assert_wrong("hello", "invalid_format");
    assert_wrong("two words: hello", "username_invalid");
    assert_wrong(": hello", "username_invalid");
    assert_wrong("server: hello", "username_reserved");
    assert_wrong("bob:", "empty");
    assert_wrong("bob: \t ", "empty");
    assert_wrong("bob: 123456789012345678901", "too_long");
    assert_wrong("bob: \033[2J", "invalid_text");
    assert_wrong("bob: \xff", "invalid_text");
    assert_wrong("bob: \xc2\x9b", "invalid_text");
}

static void test_commands(void **state)
{
    (void)state;
    assert_int_equal(parse("").kind, TYPED_NOTHING);
    assert_int_equal(parse("  \t").kind, TYPED_NOTHING);
    typed_t typed = parse(" !users ");
    assert_int_equal(typed.kind, TYPED_COMMAND);
    assert_string_equal(commands_find(typed.text, typed.length)->name, "!users");
    typed = parse("exit");
    assert_int_equal(typed.kind, TYPED_COMMAND);
    assert_string_equal(commands_find(typed.text, typed.length)->name, "exit");
    typed = parse("!nothing");
    assert_int_equal(typed.kind, TYPED_COMMAND);
    assert_null(commands_find(typed.text, typed.length));
    assert_int_equal(parse("exit: hi").kind, TYPED_MESSAGE); /* somebody of that name */
}

static void test_help_names_every_command(void **state)
{
    (void)state;
    buffer_t help;
    buffer_init(&help, 0);
    commands_append_help(&help);
    const command_entry_t *entry;
    size_t count = 0;
    for (; (entry = commands_at(count)) != NULL; count++)
        assert_non_null(strstr(buffer_text(&help), entry->name));
    assert_int_equal(count, 4);
    buffer_free(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_help_names_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
