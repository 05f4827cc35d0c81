/* The thermometer's file: what was read is written, and read again as the same. */
#include "fuzz.h"
#include "thermometer/subscribers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    subscribers_t *first = subscribers_new(), *second = subscribers_new();
    buffer_t one, other;
    buffer_init(&one, 0);
    buffer_init(&other, 0);
    if (subscribers_read(first, (const char *)data, size) == ERR_OK) {
        FUZZ_CHECK(subscribers_count(first) <= SUBSCRIBERS_MAX);
        FUZZ_CHECK(subscribers_write(first, &one) == ERR_OK);
        FUZZ_CHECK(subscribers_read(second, one.data, one.length) == ERR_OK);
        FUZZ_CHECK(subscribers_count(first) == subscribers_count(second));
        FUZZ_CHECK(subscribers_write(second, &other) == ERR_OK && strcmp(one.data, other.data) == 0);
    }
    buffer_free(&one);
    buffer_free(&other);
    subscribers_free(first);
    subscribers_free(second);
    return 0;
}
