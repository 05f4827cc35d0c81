#include "bucket.h"

enum { BURST_SECONDS = 2 };

static void fill(bucket_t *bucket, int64_t rate, uint64_t now_ms)
{
    if (now_ms <= bucket->at)
        return;
    float burst = (float)(rate * BURST_SECONDS);
    float more = (float)(now_ms - bucket->at) * (float)rate / 1000;

    bucket->tokens += more;
    if (bucket->tokens > burst)
        bucket->tokens = burst;
    bucket->at = now_ms;
}

void bucket_init(bucket_t *bucket, int64_t rate, uint64_t now_ms)
{
    bucket->at = now_ms;
    bucket->tokens = (float)(rate * BURST_SECONDS);
}

void bucket_take(bucket_t *bucket, int64_t rate, uint64_t now_ms)
{
    if (rate == 0)
        return;
    fill(bucket, rate, now_ms);
    bucket->tokens -= 1;
}

bool bucket_has(bucket_t *bucket, int64_t rate, uint64_t now_ms)
{
    if (rate == 0)
        return true;
    fill(bucket, rate, now_ms);
    return bucket->tokens >= 1;
}
