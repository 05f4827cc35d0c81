/* A token bucket: `rate` a second, at most `burst` saved up. Pure. */
#ifndef P2P_SERVER_BUCKET_H
#define P2P_SERVER_BUCKET_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t at;  /* milliseconds of the last filling */
    float tokens; /* below 0: the last one was taken in advance */
} bucket_t;

/* rate 0 = no limit. The burst is twice the rate. */
void bucket_init(bucket_t *bucket, int64_t rate, uint64_t now_ms);
/* Takes one token, also when there is none: debt. */
void bucket_take(bucket_t *bucket, int64_t rate, uint64_t now_ms);
/* May the next one be taken? */
bool bucket_has(bucket_t *bucket, int64_t rate, uint64_t now_ms);

#endif
