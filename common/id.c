#include "id.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* 1 for what an id may hold: every message that passes has one or two. */
static const unsigned char is_id_byte[256] = {
    ['-'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['_'] = 1, ['a' ... 'z'] = 1,
};

bool id_is_valid(const char *id, size_t length)
{
    const unsigned char *byte = (const unsigned char *)id;
    unsigned valid = 1;
    size_t i = 0;

    if (length < 1 || length > ID_MAX)
        return false;
    for (; i + 4 <= length; i += 4)
        valid &=
            is_id_byte[byte[i]] & is_id_byte[byte[i + 1]] & is_id_byte[byte[i + 2]] & is_id_byte[byte[i + 3]];
    for (; i < length; i++)
        valid &= is_id_byte[byte[i]];
    return valid != 0;
}

enum {
    RANDOM_BYTES = 10,
    LAST_GROUP = 24, /* where the last twelve digits begin */
    LAST_DIGIT = 35,
};

static const char digits[] = "0123456789abcdef";

/* RFC 9562, section 6.2, method 2: random from the version on; what follows within the millisecond counts on. The
 * counted digits begin with a zero bit, so there is room. */
static void begin_millisecond(id_series_t *series, uint64_t milliseconds)
{
    unsigned char bytes[16];

    if (getrandom(bytes + 6, RANDOM_BYTES, 0) != RANDOM_BYTES)
        abort();
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0F)); /* version 7 */
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F)); /* variant */
    bytes[10] &= 0x7F;
    char *to = series->text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    *to = '\0';
    series->milliseconds = milliseconds;
}

/* False when there is no next one in this millisecond. */
static bool count_on(char text[ID_UUID_SIZE])
{
    int i = LAST_DIGIT;

    while (i >= LAST_GROUP && text[i] == 'f')
        text[i--] = '0';
    if (i < LAST_GROUP)
        return false;
    text[i] = (char)(text[i] == '9' ? 'a' : text[i] + 1);
    return true;
}

void id_series_next(id_series_t *series, uint64_t milliseconds, char out[ID_UUID_SIZE])
{
    if (milliseconds > series->milliseconds)
        begin_millisecond(series, milliseconds);
    else if (!count_on(series->text))
        begin_millisecond(series, series->milliseconds + 1);
    memcpy(out, series->text, ID_UUID_SIZE);
}

void id_mint(char out[ID_UUID_SIZE])
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static id_series_t series;
    struct timespec now;

    pthread_mutex_lock(&mutex);
    clock_gettime(CLOCK_REALTIME, &now);
    id_series_next(&series, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, out);
    pthread_mutex_unlock(&mutex);
}
