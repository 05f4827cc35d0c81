/* When a component that died may start again: at once at first (0.1 s), then ever later (doubling to 30 s), and
 * not at all once it has died 5 times within 60 s. Pure: times are milliseconds of any steady clock. */
#ifndef P2P_RESTART_POLICY_H
#define P2P_RESTART_POLICY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RESTART_FIRST_MS = 100,
    RESTART_LAST_MS = 30 * 1000,
    RESTART_DEATHS = 5,
    RESTART_WINDOW_MS = 60 * 1000, /* also: whoever lived this long begins with the first delay again */
};

typedef struct {
    uint64_t deaths_ms[RESTART_DEATHS]; /* a ring: the last deaths */
    size_t deaths;                      /* since the beginning */
    uint64_t delay_ms;                  /* the last one; 0 = none yet */
} restart_policy_t;

void restart_policy_init(restart_policy_t *policy);
/* It was started at started_ms and died at now_ms. True: start it again in *delay_ms. False: give up. */
bool restart_policy_died(restart_policy_t *policy, uint64_t started_ms, uint64_t now_ms, uint64_t *delay_ms);

#endif
