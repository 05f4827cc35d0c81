#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/error.h"
#include <string.h>

static const err_t all[] = {
#define X(name, code, text) ERR_##name,
    ERR_MAP(X)
#undef X
};
enum { COUNT = sizeof all / sizeof all[0] };

static void test_codes_are_stable_words(void **state)
{
    (void)state;
    assert_int_equal(ERR_OK, 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(all[i], i);
        const char *code = err_code(all[i]);
        assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
        assert_true(code[0] != '\0' && err_text(all[i])[0] != '\0');
        assert_int_equal(err_from_code(code), all[i]);
        for (int other = 0; other < i; other++)
            assert_string_not_equal(code, err_code(all[other]));
    }
    assert_string_equal(err_code(ERR_USERNAME_TAKEN), "username_taken");
    assert_string_equal(err_code(ERR_MAILBOX_FULL), "mailbox_full");
    assert_string_equal(err_code(ERR_STALE_EPOCH), "stale_epoch");
}

static void test_what_is_none(void **state)
{
    (void)state;
    assert_int_equal(err_from_code("no_such_code"), ERR_IO);
    assert_int_equal(err_from_code(""), ERR_IO);
    assert_int_equal(err_from_code("TOO_LONG"), ERR_IO);
    assert_non_null(err_code((err_t)COUNT));
    assert_non_null(err_text((err_t)-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_are_stable_words),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
