/* Host and Origin: which names are ours, which pages may come in. */
#include "ws_adapter/origin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_own_hosts(void **state)
{
    origin_list_t *list = origin_list_new("https://chat.example.org, http://lan:9000/");

    (void)state;
    assert_non_null(list);
    assert_true(origin_host_allowed(list, "127.0.0.1:8080", "127.0.0.1", 8080));
    assert_true(origin_host_allowed(list, "localhost:8080", "127.0.0.1", 8080));
    assert_true(origin_host_allowed(list, "LocalHost:8080", "127.0.0.1", 8080));
    assert_true(origin_host_allowed(list, "[::1]:8080", "127.0.0.1", 8080));
    assert_true(origin_host_allowed(list, "localhost", "127.0.0.1", 80));
    assert_true(origin_host_allowed(list, "10.0.0.7:8080", "10.0.0.7", 8080));
    assert_true(origin_host_allowed(list, "chat.example.org", "127.0.0.1", 8080));
    assert_true(origin_host_allowed(list, "chat.example.org:443", "127.0.0.1", 8080));
    assert_true(origin_host_allowed(list, "lan:9000", "127.0.0.1", 8080));
    origin_list_free(list);
}

static void test_other_hosts(void **state)
{
    static const char *const hosts[] = {
        "evil.example",
        "evil.example:8080",
        "localhost",
        "localhost:80",
        "localhost:80800",
        "127.0.0.1",
        "127.0.0.1:8081",
        "localhost.:8080",
        "localhost:8080 ",
        " localhost:8080",
        "",
        "localhost:8080.evil.com",
        "xlocalhost:8080",
        "127.0.0.1:8080,x",
        "chat.example.org:8080",
        "lan",
        "lan:80",
        "a.chat.example.org",
        "localhost:08080",
        "127.0.0.1:8080:80",
        "lan:9000:80",
        "[::1]:8080:80",
        "\n",
    };
    origin_list_t *list = origin_list_new("https://chat.example.org,http://lan:9000");

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (origin_host_allowed(list, hosts[i], "127.0.0.1", 8080))
            fail_msg("allowed: %s", hosts[i]);
    }
    origin_list_free(list);
}

static void test_origins(void **state)
{
    static const char *const refused[] = {
        "null",
        "",
        "http://evil.example",
        "http://localhost",
        "http://localhost:3000",
        "https://localhost:8080",
        "http://localhost:8080.evil.example",
        "http://localhost:8080@evil.example",
        "http://127.0.0.1:8080",
        "ws://localhost:8080",
        "file://",
        "localhost:8080",
        "http://chat.example.org",
        "https://chat.example.org:444",
        "https://chat.example.org.evil.example",
        "http://localhost:8080, http://evil.example",
    };
    origin_list_t *list = origin_list_new("https://chat.example.org");

    (void)state;
    assert_true(origin_allowed(list, NULL, "localhost:8080"));
    assert_true(origin_allowed(list, "http://localhost:8080", "localhost:8080"));
    assert_true(origin_allowed(list, "HTTP://LOCALHOST:8080", "localhost:8080"));
    assert_true(origin_allowed(list, "http://localhost", "localhost"));
    assert_true(origin_allowed(list, "http://localhost", "localhost:80"));
    assert_true(origin_allowed(list, "https://chat.example.org", "chat.example.org"));
    assert_true(origin_allowed(list, "https://chat.example.org", "localhost:8080"));
    assert_true(origin_allowed(list, "https://chat.example.org:443", "localhost:8080"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (origin_allowed(list, refused[i], "localhost:8080"))
            fail_msg("allowed: %s", refused[i]);
    }
    origin_list_free(list);
}

static void test_lists(void **state)
{
    static const char *const bad[] = {"chat.example.org", "http://",    "*",          "http://*",
                                      "ftp://x",          "http://x/y", "http://a b", "http://a,b",
                                      "http://u@x",       "https://:80"};
    origin_list_t *list = origin_list_new("");

    (void)state;
    assert_non_null(list);
    assert_false(origin_allowed(list, "https://chat.example.org", "localhost:8080"));
    origin_list_free(list);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (origin_list_new(bad[i]))
            fail_msg("taken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_hosts),
        cmocka_unit_test(test_other_hosts),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
