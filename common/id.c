#include "id.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

bool id_is_valid(const char *id, size_t length)
{
    if (length < 1 || length > ID_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = id[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-'))
            return false;
    }
    return true;
}

enum { POOL_SIZE = 512 };

/* What ids minted so far leave behind: the last time used, its counter, and random bytes fetched in advance. */
static struct {
    pthread_mutex_t mutex;
    uint64_t milliseconds;
    uint16_t counter; /* the 12 bits of rand_a: RFC 9562, section 6.2, method 1 */
    unsigned char pool[POOL_SIZE];
    size_t used;
} mint = {.mutex = PTHREAD_MUTEX_INITIALIZER, .used = POOL_SIZE};

static void take_random(unsigned char *out, size_t size)
{
    if (mint.used + size > POOL_SIZE) {
        if (getrandom(mint.pool, POOL_SIZE, 0) != POOL_SIZE)
            abort();
        mint.used = 0;
    }
    memcpy(out, mint.pool + mint.used, size);
    mint.used += size;
}

static void next_time(uint64_t *milliseconds, uint16_t *counter)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t current = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (current > mint.milliseconds) {
        unsigned char seed[2];
        take_random(seed, sizeof seed);
        mint.milliseconds = current;
        mint.counter = (uint16_t)((seed[0] << 8 | seed[1]) & 0x7FF); /* half of the range is left to count */
    } else if (++mint.counter > 0xFFF) {
        mint.milliseconds++;
        mint.counter = 0;
    }
    *milliseconds = mint.milliseconds;
    *counter = mint.counter;
}

void id_mint(char out[ID_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    uint64_t milliseconds;
    uint16_t counter;

    pthread_mutex_lock(&mint.mutex);
    next_time(&milliseconds, &counter);
    take_random(bytes + 8, 8);
    pthread_mutex_unlock(&mint.mutex);

    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | counter >> 8); /* version 7 */
    bytes[7] = (unsigned char)counter;
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F)); /* variant */
    char *to = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    *to = '\0';
}
