#include "recent.h"
#include "../common/alloc.h"
#include "../common/hash.h"
#include <stdlib.h>

typedef struct {
    char *key;
    receipt_status_t status;
} entry_t;

struct recent {
    hash_t *by_key; /* to entry_t in the ring */
    entry_t *ring;
    size_t capacity, next;
};

recent_t *recent_new(size_t capacity)
{
    recent_t *recent = alloc_new(recent_t);

    recent->by_key = hash_new();
    recent->ring = alloc_zero(capacity, sizeof(entry_t));
    recent->capacity = capacity;
    return recent;
}

void recent_free(recent_t *recent)
{
    if (!recent)
        return;
    for (size_t i = 0; i < recent->capacity; i++)
        free(recent->ring[i].key);
    free(recent->ring);
    hash_free(recent->by_key);
    free(recent);
}

void recent_add(recent_t *recent, const char *key, receipt_status_t status)
{
    entry_t *known = hash_get(recent->by_key, key);
    if (known) {
        known->status = status;
        return;
    }
    entry_t *entry = &recent->ring[recent->next];
    recent->next = (recent->next + 1) % recent->capacity;
    if (entry->key) {
        hash_remove(recent->by_key, entry->key);
        free(entry->key);
    }
    entry->key = alloc_string(key);
    entry->status = status;
    hash_put(recent->by_key, key, entry);
}

bool recent_find(const recent_t *recent, const char *key, receipt_status_t *status)
{
    const entry_t *entry = hash_get(recent->by_key, key);
    if (entry)
        *status = entry->status;
    return entry != NULL;
}
