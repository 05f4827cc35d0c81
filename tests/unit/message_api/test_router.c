/* Which route a path has, and what is decoded from it. */
#include "message_api/percent.h"
#include "message_api/router.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const route_t table[] = {
    {"POST", "/messages", NULL, ROUTE_BODY, true},
    {"GET", "/messages/{username}", NULL, ROUTE_NO_BODY, true},
    {"DELETE", "/messages/{username}", NULL, ROUTE_NO_BODY, true},
    {"GET", "/health", NULL, ROUTE_NO_BODY, false},
};

typedef struct {
    const char *method, *path;
    route_status_t status;
    int route;             /* index in the table when found */
    const char *parameter; /* NULL = none */
    const char *allow;
} case_t;

static const case_t cases[] = {
    {"POST", "/messages", ROUTE_FOUND, 0, NULL, NULL},
    {"POST", "/messages/", ROUTE_FOUND, 0, NULL, NULL},
    {"GET", "/messages/bob", ROUTE_FOUND, 1, "bob", NULL},
    {"GET", "/messages/bob/", ROUTE_FOUND, 1, "bob", NULL},
    {"GET", "/messages/b%2Fob", ROUTE_FOUND, 1, "b%2Fob", NULL},
    {"DELETE", "/messages/bob", ROUTE_FOUND, 2, "bob", NULL},
    {"GET", "/health/", ROUTE_FOUND, 3, NULL, NULL},
    {"GET", "/messages", ROUTE_NO_METHOD, 0, NULL, "POST"},
    {"GET", "/messages/", ROUTE_NO_METHOD, 0, NULL, "POST"},
    {"POST", "/messages/bob", ROUTE_NO_METHOD, 0, NULL, "GET, DELETE"},
    {"HEAD", "/health", ROUTE_NO_METHOD, 0, NULL, "GET"},
    {"get", "/health", ROUTE_NO_METHOD, 0, NULL, "GET"},
    {"POST", "/messages//", ROUTE_NO_PATH, 0, NULL, NULL},
    {"GET", "/messages/bob/alice", ROUTE_NO_PATH, 0, NULL, NULL},
    {"GET", "/", ROUTE_NO_PATH, 0, NULL, NULL},
    {"GET", "", ROUTE_NO_PATH, 0, NULL, NULL},
    {"OPTIONS", "*", ROUTE_NO_PATH, 0, NULL, NULL},
    {"GET", "/healthy", ROUTE_NO_PATH, 0, NULL, NULL},
    {"GET", "/Health", ROUTE_NO_PATH, 0, NULL, NULL},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const case_t *expected = &cases[i];
        route_match_t match;
        route_status_t status =
            route_find(table, sizeof table / sizeof table[0], expected->method, expected->path, &match);
        if (status != expected->status)
            fail_msg("%s %s: status %d", expected->method, expected->path, (int)status);
        if (status == ROUTE_FOUND)
            assert_ptr_equal(match.route, &table[expected->route]);
        if (expected->parameter != NULL) {
            assert_int_equal(match.parameter_length, strlen(expected->parameter));
            assert_memory_equal(match.parameter, expected->parameter, match.parameter_length);
        }
        if (expected->allow != NULL)
            assert_string_equal(match.allow, expected->allow);
    }
}

static void check_decoded(const char *text, const char *expected)
{
    char out[64];
    size_t length = 99;
    bool good = percent_decode(text, strlen(text), out, &length);
    if (good != (expected != NULL))
        fail_msg("%s: %d", text, good);
    if (expected != NULL) {
        assert_string_equal(out, expected);
        assert_int_equal(length, strlen(expected));
    }
}

static void test_percent(void **state)
{
    (void)state;
    check_decoded("", "");
    check_decoded("bob", "bob");
    check_decoded("a%20b%2fc%2F", "a b/c/");
    check_decoded("J%C3%B6rg", "Jörg");
    check_decoded("a+b", "a+b");
    check_decoded("%", NULL);
    check_decoded("%4", NULL);
    check_decoded("ab%4", NULL);
    check_decoded("%4g", NULL);
    check_decoded("%-1", NULL);
    check_decoded("%00", NULL);
    check_decoded("%41", "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
