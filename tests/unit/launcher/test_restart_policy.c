#include "launcher/restart_policy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* It lived for `life` ms, died, and is started again after its delay. */
static uint64_t live_and_die(restart_policy_t *policy, uint64_t *now, uint64_t life)
{
    uint64_t started = *now, delay = 0;
    *now += life;
    assert_true(restart_policy_died(policy, started, *now, &delay));
    *now += delay;
    return delay;
}

static void test_first_restarts_double_and_the_fifth_death_is_the_last(void **state)
{
    (void)state;
    restart_policy_t policy;
    uint64_t now = 1000000, delay = 7;
    restart_policy_init(&policy);
    assert_int_equal(live_and_die(&policy, &now, 5), 100);
    assert_int_equal(live_and_die(&policy, &now, 5), 200);
    assert_int_equal(live_and_die(&policy, &now, 5), 400);
    assert_int_equal(live_and_die(&policy, &now, 5), 800);
    assert_false(restart_policy_died(&policy, now, now + 5, &delay));
    assert_int_equal(delay, 7);
}

static void test_a_delay_is_at_most_thirty_seconds(void **state)
{
    (void)state;
    restart_policy_t policy;
    uint64_t now = 0, delay = 0;
    restart_policy_init(&policy);
    /* Deaths 20 s apart are too few within a minute to give up. */
    for (int i = 0; i < 12; i++)
        delay = live_and_die(&policy, &now, 20000);
    assert_int_equal(delay, 30000);
}

static void test_a_long_life_begins_anew(void **state)
{
    (void)state;
    restart_policy_t policy;
    uint64_t now = 5;
    restart_policy_init(&policy);
    for (int i = 0; i < 4; i++)
        live_and_die(&policy, &now, 1);
    assert_int_equal(live_and_die(&policy, &now, 60000), 100);
    assert_int_equal(live_and_die(&policy, &now, 59999), 200);
}

static void test_exactly_a_minute_is_no_longer_within_it(void **state)
{
    (void)state;
    const uint64_t died[] = {0, 15000, 30000, 45000, 60000, 74999};
    restart_policy_t policy;
    uint64_t delay;
    restart_policy_init(&policy);
    for (int i = 0; i < 5; i++)
        assert_true(restart_policy_died(&policy, died[i], died[i], &delay));
    assert_false(restart_policy_died(&policy, died[5], died[5], &delay));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_restarts_double_and_the_fifth_death_is_the_last),
        cmocka_unit_test(test_a_delay_is_at_most_thirty_seconds),
        cmocka_unit_test(test_a_long_life_begins_anew),
        cmocka_unit_test(test_exactly_a_minute_is_no_longer_within_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
