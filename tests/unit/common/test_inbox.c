#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/id.h"
#include "common/inbox.h"
#include "common/username.h"
#include <stdio.h>
#include <string.h>

static void assert_took(inbox_t *inbox, const char *sender, const char *id, inbox_status_t expected)
{
    assert_int_equal(inbox_take(inbox, sender, id), expected);
}

static void test_once(void **state)
{
    (void)state;
    inbox_t *inbox = inbox_new(10);
    assert_took(inbox, "alice", "1", INBOX_NEW);
    assert_took(inbox, "alice", "1", INBOX_UNDECIDED);
    assert_took(inbox, "alice", "2", INBOX_NEW);
    assert_took(inbox, "bob", "1", INBOX_NEW);
    /* Sender and id don't run together. */
    assert_took(inbox, "a", "bc", INBOX_NEW);
    assert_took(inbox, "ab", "c", INBOX_NEW);
    inbox_free(inbox);
}

/* The longest name and id there are, and others of the same beginning. */
static void test_longest(void **state)
{
    (void)state;
    inbox_t *inbox = inbox_new(10);
    char sender[USERNAME_SIZE], id[ID_SIZE];
    memset(sender, 'n', sizeof sender - 1);
    memset(id, 'i', sizeof id - 1);
    sender[sizeof sender - 1] = id[sizeof id - 1] = '\0';
    assert_took(inbox, sender, id, INBOX_NEW);
    assert_took(inbox, sender, id, INBOX_UNDECIDED);
    id[sizeof id - 2] = 'j';
    assert_took(inbox, sender, id, INBOX_NEW);
    assert_true(inbox_decide(inbox, sender, id));
    assert_took(inbox, sender, id, INBOX_DECIDED);
    inbox_free(inbox);
}

static void take_and_decide(inbox_t *inbox, int number)
{
    char id[16];
    snprintf(id, sizeof id, "%d", number);
    assert_took(inbox, "alice", id, INBOX_NEW);
    assert_true(inbox_decide(inbox, "alice", id));
}

static void test_oldest_out(void **state)
{
    (void)state;
    static const int capacities[] = {1, 2, 3, 7, 8, 100};
    char id[16];
    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        int capacity = capacities[c], last = 3 * capacity;
        inbox_t *inbox = inbox_new((size_t)capacity);
        for (int i = 0; i <= last; i++)
            take_and_decide(inbox, i);
        for (int old = last; old > last - capacity; old--) {
            snprintf(id, sizeof id, "%d", old);
            assert_took(inbox, "alice", id, INBOX_DECIDED);
        }
        take_and_decide(inbox, last - capacity); /* forgotten, so new */
        inbox_free(inbox);
    }
}

static void test_no_capacity_is_one(void **state)
{
    (void)state;
    inbox_t *inbox = inbox_new(0);
    take_and_decide(inbox, 1);
    assert_took(inbox, "alice", "1", INBOX_DECIDED);
    take_and_decide(inbox, 2);
    take_and_decide(inbox, 1);
    inbox_free(inbox);
}

static void test_decided(void **state)
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
    assert_true(inbox_decide(inbox, "bob", "1")); /* and is forgotten with that */
    assert_false(inbox_decide(inbox, "bob", "1"));
    assert_int_equal(inbox_take(inbox, "bob", "1"), INBOX_NEW);
    inbox_free(inbox);
    inbox_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),       cmocka_unit_test(test_longest),
        cmocka_unit_test(test_oldest_out), cmocka_unit_test(test_no_capacity_is_one),
        cmocka_unit_test(test_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
