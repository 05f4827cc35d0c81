#include "hash.h"
#include "alloc.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_SLOTS = 8 };

/* Kept small: a server has several for each idle session. */
typedef struct entry {
    struct entry *next; /* in the same slot */
    void *value;
    char key[];
} entry_t;

struct hash {
    entry_t **slots;
    size_t slot_count; /* a power of two */
    size_t count;
    uint8_t key[16];
};

void hash_random_key(uint8_t key[16])
{
    if (getrandom(key, 16, 0) != 16)
        abort();
}

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t read_little_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint64_t hash_bytes(const uint8_t key[16], const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint64_t k0 = read_little_endian(key, 8), k1 = read_little_endian(key + 8, 8);
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    size_t whole = length & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = read_little_endian(bytes + i, 8);
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)length << 56 | read_little_endian(bytes + whole, length - whole);
    v[3] ^= last;
    sip_rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xFF;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

hash_t *hash_new(void)
{
    hash_t *hash = alloc_new(hash_t);
    hash_random_key(hash->key);
    hash->slot_count = FIRST_SLOTS;
    hash->slots = alloc_zero(FIRST_SLOTS, sizeof hash->slots[0]);
    return hash;
}

void hash_free(hash_t *hash)
{
    if (hash == NULL)
        return;
    for (size_t i = 0; i < hash->slot_count; i++) {
        entry_t *entry = hash->slots[i];
        while (entry != NULL) {
            entry_t *next = entry->next;
            free(entry);
            entry = next;
        }
    }
    free(hash->slots);
    free(hash);
}

size_t hash_count(const hash_t *hash)
{
    return hash->count;
}

static size_t slot_of(const hash_t *hash, const char *key, size_t length, size_t slot_count)
{
    return hash_bytes(hash->key, key, length) & (slot_count - 1);
}

/* Where the pointer to the key's entry is, or would be put. */
static entry_t **find(const hash_t *hash, const char *key, size_t length)
{
    entry_t **link = &hash->slots[slot_of(hash, key, length, hash->slot_count)];
    while (*link != NULL && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

void *hash_get(const hash_t *hash, const char *key)
{
    const entry_t *entry = *find(hash, key, strlen(key));
    return entry != NULL ? entry->value : NULL;
}

static void resize(hash_t *hash, size_t slot_count)
{
    entry_t **slots = alloc_zero(slot_count, sizeof slots[0]);
    for (size_t i = 0; i < hash->slot_count; i++) {
        entry_t *entry = hash->slots[i];
        while (entry != NULL) {
            entry_t *next = entry->next;
            entry_t **slot = &slots[slot_of(hash, entry->key, strlen(entry->key), slot_count)];
            entry->next = *slot;
            *slot = entry;
            entry = next;
        }
    }
    free(hash->slots);
    hash->slots = slots;
    hash->slot_count = slot_count;
}

void *hash_put(hash_t *hash, const char *key, void *value)
{
    size_t length = strlen(key);
    entry_t **link = find(hash, key, length);
    if (*link != NULL) {
        void *former = (*link)->value;
        (*link)->value = value;
        return former;
    }
    entry_t *entry = alloc_bytes(sizeof *entry + length + 1);
    entry->next = NULL;
    entry->value = value;
    memcpy(entry->key, key, length + 1);
    *link = entry;
    if (++hash->count > hash->slot_count)
        resize(hash, hash->slot_count * 2);
    return NULL;
}

void *hash_remove(hash_t *hash, const char *key)
{
    entry_t **link = find(hash, key, strlen(key));
    entry_t *entry = *link;
    if (entry == NULL)
        return NULL;
    void *value = entry->value;
    *link = entry->next;
    free(entry);
    hash->count--;
    /* A crowd that has gone leaves no large table behind. */
    if (hash->slot_count > FIRST_SLOTS && hash->count < hash->slot_count / 8)
        resize(hash, hash->slot_count / 2);
    return value;
}

/* The position is the slot in the upper bits and the place in its chain in the lower eight. */
bool hash_next(const hash_t *hash, size_t *position, const char **key, void **value)
{
    size_t slot = *position >> 8, place = *position & 0xFF;
    while (slot < hash->slot_count) {
        entry_t *entry = hash->slots[slot];
        for (size_t i = 0; i < place && entry != NULL; i++)
            entry = entry->next;
        if (entry != NULL) {
            if (key != NULL)
                *key = entry->key;
            if (value != NULL)
                *value = entry->value;
            *position = (slot << 8) + place + 1;
            return true;
        }
        slot++;
        place = 0;
    }
    *position = slot << 8;
    return false;
}
