#include "openai_bot/budget.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void parallel_questions_share_what_is_left(void **state)
{
    budget_t *budget = budget_new(100, 150);
    reservation_t first, second, third;

    (void)state;
    assert_int_equal(budget_reserve(budget, "alice", 60, 5, &first), BUDGET_OK);
    assert_int_equal(budget_reserve(budget, "alice", 60, 5, &second), BUDGET_USER_SPENT);
    assert_int_equal(budget_reserve(budget, "alice", 40, 5, &second), BUDGET_OK);
    assert_int_equal(budget_reserve(budget, "bob", 60, 5, &third), BUDGET_ALL_SPENT);
    assert_int_equal(budget_used(budget, 5), 100);

    budget_settle(budget, "alice", &first, 10);  /* cheaper than feared */
    budget_settle(budget, "alice", &second, 50); /* dearer */
    assert_int_equal(budget_used_by(budget, "alice", 5), 60);
    assert_int_equal(budget_used(budget, 5), 60);
    assert_int_equal(budget_reserve(budget, "bob", 90, 5, &third), BUDGET_OK);
    assert_int_equal(budget_used_by(budget, "bob", 5), 90);
    assert_int_equal(budget_used_by(budget, "carol", 5), 0);
    budget_free(budget);
}

static void each_day_begins_anew(void **state)
{
    budget_t *budget = budget_new(100, 0);
    reservation_t old, today;

    (void)state;
    assert_int_equal(budget_day(5LL * 86400 * 1000000 - 1), 4);
    assert_int_equal(budget_day(5LL * 86400 * 1000000), 5);
    assert_int_equal(budget_reserve(budget, "alice", 100, 5, &old), BUDGET_OK);
    assert_int_equal(budget_used_by(budget, "alice", 6), 0);
    assert_int_equal(budget_reserve(budget, "alice", 100, 6, &today), BUDGET_OK);
    budget_settle(budget, "alice", &old, 0); /* yesterday's: nothing to give back */
    assert_int_equal(budget_used_by(budget, "alice", 6), 100);
    /* A clock set back over midnight doesn't open it again; one that had been wrong by days does. */
    assert_int_equal(budget_reserve(budget, "alice", 1, 5, &today), BUDGET_USER_SPENT);
    assert_int_equal(budget_reserve(budget, "alice", 1, 2, &today), BUDGET_OK);
    budget_free(budget);
}

static void it_survives_being_written(void **state)
{
    budget_t *budget = budget_new(100, 1000), *again = budget_new(100, 1000);
    reservation_t reservation;
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    assert_int_equal(budget_write(budget, &out), ERR_OK);
    assert_int_equal(budget_read(again, buffer_text(&out), out.length), ERR_OK); /* an empty one */
    budget_reserve(budget, "alice", 60, 5, &reservation);
    budget_reserve(budget, "zoë", 7, 5, &reservation);
    buffer_clear(&out);
    assert_int_equal(budget_write(budget, &out), ERR_OK);
    assert_int_equal(budget_read(again, buffer_text(&out), out.length), ERR_OK);
    assert_int_equal(budget_used_by(again, "alice", 5), 60);
    assert_int_equal(budget_used_by(again, "zoë", 5), 7);
    assert_int_equal(budget_used(again, 5), 67);
    assert_int_equal(budget_reserve(again, "alice", 60, 5, &reservation), BUDGET_USER_SPENT);

    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"day\":5,\"tokens\":1}",
        "{\"day\":-5,\"tokens\":1,\"users\":{}}",
        "{\"day\":5,\"tokens\":1,\"users\":{\"a\":\"7\"}}",
        "{\"day\":5,\"tokens\":1e300,\"users\":{}}",
        "{\"day\":5,\"tokens\":1,\"users\":[]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_not_equal(budget_read(again, bad[i], strlen(bad[i])), ERR_OK);
    assert_int_equal(budget_used(again, 5), 67);
    buffer_free(&out);
    budget_free(budget);
    budget_free(again);
}

static void users_are_bounded(void **state)
{
    budget_t *budget = budget_new(0, 0);
    reservation_t reservation;
    char name[16];

    (void)state;
    for (int i = 0; i < BUDGET_MAX_USERS; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        assert_int_equal(budget_reserve(budget, name, 1, 5, &reservation), BUDGET_OK);
    }
    assert_int_equal(budget_reserve(budget, "more", 1, 5, &reservation), BUDGET_ALL_SPENT);
    assert_int_equal(budget_reserve(budget, "u7", 1, 5, &reservation), BUDGET_OK);
    assert_int_equal(budget_reserve(budget, "more", 1, 6, &reservation), BUDGET_OK);
    budget_free(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parallel_questions_share_what_is_left),
        cmocka_unit_test(each_day_begins_anew),
        cmocka_unit_test(it_survives_being_written),
        cmocka_unit_test(users_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
