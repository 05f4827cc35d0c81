#include "keys.h"
#include "common/hash.h"
#include "common/username.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void key_make(const char *sender, const char *id, char out[KEY_SIZE])
{
    /* Two halves of one width from two fixed keys: it must be the same in every process. */
    static const uint8_t FIRST[16] = "p2p-thermometer", SECOND[16] = "P2P-THERMOMETER";
    char text[USERNAME_SIZE + ID_SIZE];
    int length = snprintf(text, sizeof(text), "%s\n%s", sender, id);

    snprintf(out, KEY_SIZE, "%016" PRIx64 "%016" PRIx64, hash_bytes(FIRST, text, (size_t)length),
             hash_bytes(SECOND, text, (size_t)length));
}

bool key_is_valid(const char *key)
{
    return strlen(key) == KEY_LENGTH && strspn(key, "0123456789abcdef") == KEY_LENGTH;
}

void key_reply_id(const char *key, char out[ID_SIZE])
{
    snprintf(out, ID_SIZE, "r-%.32s", key);
}

void key_reading_id(const char *key, int64_t number, char out[ID_SIZE])
{
    snprintf(out, ID_SIZE, "t-%.32s-%" PRId64, key, number);
}
