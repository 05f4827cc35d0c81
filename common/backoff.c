#include "backoff.h"
#include "hash.h"
#include <string.h>

void backoff_init(backoff_t *backoff, uint64_t first_ms, uint64_t last_ms)
{
    *backoff = (backoff_t){.first_ms = first_ms, .last_ms = last_ms, .step_ms = first_ms};
}

void backoff_reset(backoff_t *backoff)
{
    backoff->step_ms = backoff->first_ms;
}

uint64_t backoff_next(backoff_t *backoff)
{
    uint8_t key[16];
    uint64_t random;
    hash_random_key(key);
    memcpy(&random, key, sizeof random);

    uint64_t step = backoff->step_ms, half = step / 2;
    backoff->step_ms = step >= backoff->last_ms / 2 ? backoff->last_ms : step * 2;
    return half + random % (step - half + 1);
}
