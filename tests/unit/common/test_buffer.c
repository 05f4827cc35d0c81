#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/buffer.h"
#include <stdlib.h>
#include <string.h>

static void test_appends(void **state)
{
    (void)state;
    buffer_t buffer;
    buffer_init(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer_append(&buffer, NULL, 0), ERR_OK);
    assert_int_equal(buffer_append(&buffer, "ab\0c", 4), ERR_OK);
    assert_int_equal(buffer_append_text(&buffer, "de"), ERR_OK);
    assert_int_equal(buffer_append_char(&buffer, 'f'), ERR_OK);
    assert_int_equal(buffer_appendf(&buffer, "%d-%s", 42, "x"), ERR_OK);
    assert_int_equal(buffer_appendf(&buffer, "%s", ""), ERR_OK);
    assert_int_equal(buffer.length, 11);
    assert_memory_equal(buffer.data, "ab\0cdef42-x", 12);
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer.length, 0);
    buffer_free(&buffer);
    buffer_free(&buffer);
    assert_int_equal(buffer_append_text(&buffer, "again"), ERR_OK);
    assert_string_equal(buffer_text(&buffer), "again");
    buffer_free(&buffer);
}

static void test_growth(void **state)
{
    (void)state;
    buffer_t buffer;
    buffer_init(&buffer, 0);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buffer_append_char(&buffer, (char)('a' + i % 26)), ERR_OK);
        assert_true(buffer.length < buffer.capacity && buffer.data[buffer.length] == '\0');
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    assert_in_range(buffer.capacity, 100001, 200100);
    buffer_free(&buffer);
}

static void test_limit(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 200; limit++) {
        buffer_t buffer;
        buffer_init(&buffer, limit);
        while (buffer.length < limit)
            assert_int_equal(buffer_append_char(&buffer, 'x'), ERR_OK);
        assert_int_equal(buffer_append_char(&buffer, 'y'), ERR_TOO_LONG);
        assert_int_equal(buffer_append_text(&buffer, "yy"), ERR_TOO_LONG);
        assert_int_equal(buffer_appendf(&buffer, "%d", 1), ERR_TOO_LONG);
        assert_int_equal(buffer_append(&buffer, "", 0), ERR_OK);
        assert_int_equal(buffer.length, limit);
        assert_int_equal(strlen(buffer.data), limit);
        assert_null(strchr(buffer.data, 'y'));
        assert_true(buffer.capacity <= limit + 1);
        buffer_consume(&buffer, 1);
        assert_int_equal(buffer_append_char(&buffer, 'z'), ERR_OK);
        buffer_free(&buffer);
    }
}

static void test_sizes_that_overflow(void **state)
{
    (void)state;
    buffer_t buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), ERR_TOO_LONG);
    buffer_append_text(&buffer, "abc");
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX - 1), ERR_TOO_LONG);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX - 3), ERR_TOO_LONG);
    assert_string_equal(buffer_text(&buffer), "abc");
    buffer_free(&buffer);
}

static void test_reserve(void **state)
{
    (void)state;
    buffer_t buffer;
    buffer_init(&buffer, 1000);
    assert_int_equal(buffer_reserve(&buffer, 1000), ERR_OK);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer_text(&buffer), "");
    char *data = buffer.data;
    memset(buffer.data, 'x', 1000);
    buffer.length = 1000;
    assert_int_equal(buffer_append(&buffer, "", 0), ERR_OK);
    assert_ptr_equal(buffer.data, data);
    assert_int_equal(buffer_reserve(&buffer, 1), ERR_TOO_LONG);
    buffer_free(&buffer);
}

static void test_consume(void **state)
{
    (void)state;
    buffer_t buffer;
    buffer_init(&buffer, 0);
    buffer_consume(&buffer, 0);
    buffer_append_text(&buffer, "abcdef");
    buffer_consume(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "abcdef");
    buffer_consume(&buffer, 2);
    assert_string_equal(buffer_text(&buffer), "cdef");
    assert_int_equal(buffer.length, 4);
    buffer_consume(&buffer, 100);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_free(&buffer);
}

static void test_take(void **state)
{
    (void)state;
    buffer_t buffer;
    size_t length = 99;
    buffer_init(&buffer, 0);
    char *text = buffer_take(&buffer, &length);
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
    buffer_append_text(&buffer, "abc");
    text = buffer_take(&buffer, &length);
    assert_string_equal(text, "abc");
    assert_int_equal(length, 3);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append_text(&buffer, "new");
    assert_string_equal(text, "abc");
    free(text);
    free(buffer_take(&buffer, NULL));
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_limit),   cmocka_unit_test(test_sizes_that_overflow),
        cmocka_unit_test(test_reserve), cmocka_unit_test(test_consume),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
