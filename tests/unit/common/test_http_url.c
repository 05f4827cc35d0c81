#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/http_url.h"

static void test_base(void **state)
{
    (void)state;
    static const char *const good[] = {"http://localhost", "https://api.example.org/v1",
                                       "http://[::1]:8000/"};
    static const char *const bad[] = {"",         "localhost",    "ftp://host", "http://",
                                      "http:///", "http://a?b=c", "http://a#b", "http://user@host"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(http_url_is_base(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(http_url_is_base(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
