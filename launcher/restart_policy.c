#include "restart_policy.h"

void restart_policy_init(restart_policy_t *policy)
{
    *policy = (restart_policy_t){0};
}

static bool died_too_often(const restart_policy_t *policy, uint64_t now_ms)
{
    if (policy->deaths < RESTART_DEATHS)
        return false;
    /* The ring is full: its next place holds the oldest of the last RESTART_DEATHS. */
    uint64_t oldest = policy->deaths_ms[policy->deaths % RESTART_DEATHS];
    return now_ms - oldest < RESTART_WINDOW_MS;
}

bool restart_policy_died(restart_policy_t *policy, uint64_t started_ms, uint64_t now_ms, uint64_t *delay_ms)
{
    policy->deaths_ms[policy->deaths % RESTART_DEATHS] = now_ms;
    policy->deaths++;
    if (died_too_often(policy, now_ms))
        return false;

    bool lived_long = now_ms - started_ms >= RESTART_WINDOW_MS;
    uint64_t delay = lived_long || policy->delay_ms == 0 ? RESTART_FIRST_MS : policy->delay_ms * 2;
    policy->delay_ms = delay < RESTART_LAST_MS ? delay : RESTART_LAST_MS;
    *delay_ms = policy->delay_ms;
    return true;
}
