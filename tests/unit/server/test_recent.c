#include "server/recent.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_status_is_remembered(void **state)
{
    recent_t *recent = recent_new(4);
    receipt_status_t status;

    (void)state;
    assert_false(recent_find(recent, "alice\n1", &status));
    recent_add(recent, "alice\n1", RECEIPT_STORED);
    recent_add(recent, "alice\n2", RECEIPT_DELIVERED);
    assert_true(recent_find(recent, "alice\n1", &status));
    assert_int_equal(status, RECEIPT_STORED);
    assert_true(recent_find(recent, "alice\n2", &status));
    assert_int_equal(status, RECEIPT_DELIVERED);
    recent_add(recent, "alice\n2", RECEIPT_STORED);
    assert_true(recent_find(recent, "alice\n2", &status));
    assert_int_equal(status, RECEIPT_STORED);
    recent_free(recent);
}

static void test_oldest_goes_first(void **state)
{
    recent_t *recent = recent_new(100);
    receipt_status_t status;
    char key[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "bob\n%d", i);
        recent_add(recent, key, RECEIPT_STORED);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "bob\n%d", i);
        assert_int_equal(recent_find(recent, key, &status), i >= 900);
    }
    recent_free(recent);
    recent_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_is_remembered),
        cmocka_unit_test(test_oldest_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
