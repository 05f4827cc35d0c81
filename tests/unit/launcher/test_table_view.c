#include "launcher/table_view.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const table_row_t rows[] = {
    {"chat server", "running", "127.0.0.1:5000", TABLE_GOOD},
    {"OpenAI bot", "off", "no OPENAI_API_KEY: write OPENAI_API_KEY=… to .env", TABLE_PLAIN},
};

static void test_rows_stand_in_columns(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    table_view_rows(&out, rows, 2, 0, false);
    assert_string_equal(buffer_text(&out), "  chat server  running     127.0.0.1:5000\n"
                                           "  OpenAI bot   off         no OPENAI_API_KEY: write "
                                           "OPENAI_API_KEY=… to .env\n");
    buffer_free(&out);
}

static void test_rows_stay_one_line_on_a_narrow_terminal(void **state)
{
    (void)state;
    buffer_t out;
    for (size_t width = 1; width <= 80; width++) {
        buffer_init(&out, 0);
        table_view_rows(&out, rows, 2, width, false);
        const char *second = strchr(buffer_text(&out), '\n') + 1;
        size_t length = strlen(second) - 1; /* bytes; the ellipsis has two more than columns */
        if (strstr(second, "…") != NULL)
            length -= 2;
        assert_true(length <= (width > 27 ? width : 27));
        buffer_free(&out);
    }
}

static void test_a_cut_keeps_characters_whole(void **state)
{
    (void)state;
    assert_int_equal(table_view_fit("abc", 2), 2);
    assert_int_equal(table_view_fit("abc", 9), 3);
    assert_int_equal(table_view_fit("…b", 1), 3);
    assert_int_equal(table_view_fit("漢字", 3), 3); /* two columns each */
    assert_int_equal(table_view_fit("漢字", 4), 6);
    assert_int_equal(table_view_fit("e\xcc\x81x", 1), 3); /* a mark that takes no column */
    assert_int_equal(table_view_fit("a\xff", 5), 1);
}

static void test_colour_is_only_round_the_state(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    table_view_rows(&out, rows, 1, 0, true);
    assert_string_equal(buffer_text(&out), "  chat server  \033[32mrunning     \033[0m127.0.0.1:5000\n");
    buffer_free(&out);
}

static void test_a_line_stands_alone(void **state)
{
    (void)state;
    const table_row_t bare = {"chat server", "stopped", "", TABLE_PLAIN};
    buffer_t out;
    buffer_init(&out, 0);
    table_view_line(&out, &rows[0]);
    table_view_line(&out, &bare);
    assert_string_equal(buffer_text(&out), "chat server: running, 127.0.0.1:5000\nchat server: stopped\n");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_stand_in_columns),
        cmocka_unit_test(test_rows_stay_one_line_on_a_narrow_terminal),
        cmocka_unit_test(test_a_cut_keeps_characters_whole),
        cmocka_unit_test(test_colour_is_only_round_the_state),
        cmocka_unit_test(test_a_line_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
