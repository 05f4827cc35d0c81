#include "thermometer/commands.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_parsed(const char *text, do_t expected)
{
    assert_int_equal(commands_parse(text, strlen(text)), expected);
}

static void test_parse(void **state)
{
    (void)state;
    assert_parsed("subscribe", DO_SUBSCRIBE);
    assert_parsed("  SubScribe\t \n", DO_SUBSCRIBE);
    assert_parsed("\r\n UNSUBSCRIBE", DO_UNSUBSCRIBE);
    assert_parsed("range ", DO_RANGE);
    assert_parsed("Reboot", DO_REBOOT);
    assert_parsed("hElP", DO_HELP);
    /* All else asks for the help. */
    assert_parsed("", DO_HELP);
    assert_parsed("   ", DO_HELP);
    assert_parsed("subscrib", DO_HELP);
    assert_parsed("subscribes", DO_HELP);
    assert_parsed("sub scribe", DO_HELP);
    assert_parsed("\xc3\xa9", DO_HELP);
    /* The length counts, not a NUL. */
    assert_int_equal(commands_parse("rangexyz", 5), DO_RANGE);
}

static void test_help_tells_every_command(void **state)
{
    buffer_t help;

    (void)state;
    buffer_init(&help, 0);
    assert_int_equal(commands_append_help(&help), ERR_OK);
    for (do_t what = DO_SUBSCRIBE; what <= DO_HELP; what++) {
        assert_non_null(strstr(buffer_text(&help), commands_name(what)));
        assert_parsed(commands_name(what), what);
    }
    buffer_free(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_help_tells_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
