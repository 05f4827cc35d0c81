#include "client/wrap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs those four before it */
#include <cmocka.h>

static void assert_row(const char *text, int columns, size_t bytes, bool is_full)
{
    bool full;
    assert_int_equal(wrap_row(text, strlen(text), columns, &full), bytes);
    assert_int_equal(full, is_full);
}

static void test_rows(void **state)
{
    (void)state;
    assert_row("", 10, 0, false);
    assert_row("hello", 10, 5, false);
    assert_row("hello", 5, 5, false);
    assert_row("hello there", 10, 6, true);             /* behind the space */
    assert_row("hello     there", 7, 10, true);         /* spaces hang over */
    assert_row("abcdefghijkl", 5, 5, true);             /* no space to break at */
    assert_row("ab     ", 3, 7, false);                 /* nothing but spaces is left */
    assert_row("\xe4\xb8\xad\xe6\x96\x87", 3, 3, true); /* wide characters take two columns */
    assert_row("\xe4\xb8\xad", 1, 3, false);            /* at least one character */
    assert_row("a\xcc\x88x", 2, 4, false);              /* a combining mark takes none */
    assert_row("\033\033\033", 8, 2, true);             /* escaped they take four each */
}

/* What is measured must be what is printed. */
static void test_width_is_that_of_the_output(void **state)
{
    (void)state;
    const char *texts[] = {"plain",
                           "\033[31mred",
                           "tab\there",
                           "\xe2\x80\xaeright to left",
                           "\302\23331m",
                           "\xff\xfe",
                           "line\xe2\x80\xa8separator",
                           "zero\xe2\x80\x8bwidth"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buffer_t out;
        buffer_init(&out, 0);
        wrap_append(&out, texts[i], strlen(texts[i]));
        assert_int_equal(wrap_width(texts[i], strlen(texts[i])), wrap_width(out.data, out.length));
        for (size_t at = 0; at < out.length; at++)
            assert_true((unsigned char)out.data[at] >= 0x20 && out.data[at] != 0x7f);
        buffer_free(&out);
    }
}

static void assert_cut(const char *text, int columns, bool cut, const char *expected)
{
    buffer_t out;
    buffer_init(&out, 0);
    wrap_append_cut(&out, text, strlen(text), columns, cut);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void test_cut(void **state)
{
    (void)state;
    assert_cut("short", 10, false, "short");
    assert_cut("short", 10, true, "short…");
    assert_cut("longer text", 6, false, "longer…");
    assert_cut("\xe4\xb8\xad\xe6\x96\x87", 3, false, "\xe4\xb8\xad…");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_width_is_that_of_the_output),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
