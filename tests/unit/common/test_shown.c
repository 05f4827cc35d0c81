#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/inbox.h"
#include "common/shown.h"
#include <stdio.h>

static void test_once(void **state)
{
    (void)state;
    shown_t *shown = shown_new(10);
    assert_false(shown_has(shown, "alice", "1"));
    assert_true(shown_add(shown, "alice", "1"));
    assert_true(shown_has(shown, "alice", "1"));
    assert_false(shown_add(shown, "alice", "1"));
    assert_true(shown_add(shown, "alice", "2"));
    assert_true(shown_add(shown, "bob", "1"));
    /* Sender and id don't run together. */
    assert_true(shown_add(shown, "a", "bc"));
    assert_false(shown_has(shown, "ab", "c"));
    shown_free(shown);
    shown_free(NULL);
}

static void test_oldest_out(void **state)
{
    (void)state;
    static const size_t capacities[] = {1, 2, 3, 7, 8, 100};
    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        int capacity = (int)capacities[c];
        shown_t *shown = shown_new(capacities[c]);
        char id[16];
        for (int i = 0; i < 3 * capacity + 1; i++) {
            snprintf(id, sizeof id, "%d", i);
            assert_true(shown_add(shown, "alice", id));
            for (int old = 0; old <= i; old++) {
                snprintf(id, sizeof id, "%d", old);
                assert_int_equal(shown_has(shown, "alice", id), old > i - capacity);
            }
        }
        shown_free(shown);
    }
}

static void test_no_capacity_is_one(void **state)
{
    (void)state;
    shown_t *shown = shown_new(0);
    assert_true(shown_add(shown, "a", "1"));
    assert_false(shown_add(shown, "a", "1"));
    assert_true(shown_add(shown, "a", "2"));
    assert_true(shown_add(shown, "a", "1"));
    shown_free(shown);
}

static void test_inbox(void **state)
{
    (void)state;
    inbox_t *inbox = inbox_new(2);
    assert_false(inbox_decide(inbox, "alice", "1"));
    assert_int_equal(inbox_take(inbox, "alice", "1"), INBOX_NEW);
    assert_int_equal(inbox_take(inbox, "alice", "1"), INBOX_UNDECIDED);
    assert_true(inbox_decide(inbox, "alice", "1"));
    assert_false(inbox_decide(inbox, "alice", "1"));
    assert_int_equal(inbox_take(inbox, "alice", "1"), INBOX_DECIDED);
    /* Forgotten, it is new again; undecided it is never forgotten. */
    assert_int_equal(inbox_take(inbox, "bob", "1"), INBOX_NEW);
    assert_int_equal(inbox_take(inbox, "bob", "2"), INBOX_NEW);
    assert_int_equal(inbox_take(inbox, "bob", "3"), INBOX_NEW);
    assert_int_equal(inbox_take(inbox, "alice", "1"), INBOX_NEW);
    assert_int_equal(inbox_take(inbox, "bob", "1"), INBOX_UNDECIDED);
    inbox_free(inbox);
    inbox_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_oldest_out),
        cmocka_unit_test(test_no_capacity_is_one),
        cmocka_unit_test(test_inbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
