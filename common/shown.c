#include "shown.h"
#include "alloc.h"
#include "hash.h"
#include "id.h"
#include "username.h"
#include <stdio.h>
#include <stdlib.h>

/* A name holds no NUL and no newline, so the pair in one string is unique. */
enum { PAIR_SIZE = USERNAME_SIZE + ID_SIZE + 1 };

struct shown {
    hash_t *pairs;
    char **ring; /* owned copies in the order in which they came */
    size_t capacity, next, count;
};

shown_t *shown_new(size_t capacity)
{
    shown_t *shown = alloc_new(shown_t);
    shown->pairs = hash_new();
    shown->capacity = capacity > 0 ? capacity : 1;
    return shown;
}

void shown_free(shown_t *shown)
{
    if (shown == NULL)
        return;
    for (size_t i = 0; i < shown->count; i++)
        free(shown->ring[i]);
    free(shown->ring);
    hash_free(shown->pairs);
    free(shown);
}

static void make_pair(char pair[PAIR_SIZE], const char *sender, const char *id)
{
    snprintf(pair, PAIR_SIZE, "%s\n%s", sender, id);
}

bool shown_has(const shown_t *shown, const char *sender, const char *id)
{
    char pair[PAIR_SIZE];
    make_pair(pair, sender, id);
    return hash_get(shown->pairs, pair) != NULL;
}

/* The ring grows with what it holds: most receivers see few messages. */
static void make_room(shown_t *shown)
{
    if (shown->count == shown->capacity) {
        hash_remove(shown->pairs, shown->ring[shown->next]);
        free(shown->ring[shown->next]);
        return;
    }
    if ((shown->count & (shown->count - 1)) == 0) {
        size_t room = shown->count > 0 ? shown->count * 2 : 1;
        shown->ring = alloc_resize(shown->ring, room * sizeof shown->ring[0]);
    }
    shown->count++;
}

bool shown_add(shown_t *shown, const char *sender, const char *id)
{
    char pair[PAIR_SIZE];
    make_pair(pair, sender, id);
    if (hash_get(shown->pairs, pair) != NULL)
        return false;
    make_room(shown);
    shown->ring[shown->next] = alloc_string(pair);
    shown->next = (shown->next + 1) % shown->capacity;
    hash_put(shown->pairs, pair, shown);
    return true;
}
