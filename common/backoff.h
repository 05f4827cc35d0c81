/* Waiting times between tries: doubling from first to last, with jitter (half to whole of the step). Pure. */
#ifndef P2P_BACKOFF_H
#define P2P_BACKOFF_H
#include <stdint.h>

typedef struct {
    uint64_t first_ms, last_ms, step_ms;
} backoff_t;

void backoff_init(backoff_t *backoff, uint64_t first_ms, uint64_t last_ms);
void backoff_reset(backoff_t *backoff);
uint64_t backoff_next(backoff_t *backoff); /* milliseconds to wait now */

#endif
