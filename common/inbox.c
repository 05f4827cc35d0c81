#include "inbox.h"
#include "alloc.h"
#include "hash.h"
#include "id.h"
#include "username.h"
#include <stdlib.h>
#include <string.h>

/* "sender\nid": a name holds no NUL and no newline, so it is unique. */
enum { KEY_SIZE = USERNAME_SIZE + ID_SIZE };

typedef struct {
    bool undecided, remembered; /* in the ring */
    char key[];
} entry_t;

struct inbox {
    hash_t *entries;
    entry_t **ring; /* in the order in which they came */
    size_t capacity, next, count;
};

inbox_t *inbox_new(size_t capacity)
{
    inbox_t *inbox = alloc_new(inbox_t);

    inbox->entries = hash_new();
    inbox->capacity = capacity > 0 ? capacity : 1;
    return inbox;
}

void inbox_free(inbox_t *inbox)
{
    size_t position = 0;
    void *entry;

    if (!inbox)
        return;
    while (hash_next(inbox->entries, &position, NULL, &entry))
        free(entry);
    free(inbox->ring);
    hash_free(inbox->entries);
    free(inbox);
}

/* Its length; what is too long for a name or an id is cut. */
static size_t make_key(char key[KEY_SIZE], const char *sender, const char *id)
{
    size_t length = strnlen(sender, USERNAME_SIZE - 1), id_length = strnlen(id, ID_SIZE - 1);

    memcpy(key, sender, length);
    key[length++] = '\n';
    memcpy(key + length, id, id_length);
    key[length + id_length] = '\0';
    return length + id_length;
}

static void remove_entry(inbox_t *inbox, entry_t *entry)
{
    hash_remove(inbox->entries, entry->key);
    free(entry);
}

/* An undecided one stays known until it is decided. */
static void forget_oldest(inbox_t *inbox)
{
    entry_t *oldest = inbox->ring[inbox->next];

    oldest->remembered = false;
    if (!oldest->undecided)
        remove_entry(inbox, oldest);
}

/* The ring grows with what it holds: most receivers see few messages. */
static void make_room(inbox_t *inbox)
{
    if (inbox->count == inbox->capacity) {
        forget_oldest(inbox);
        return;
    }
    if ((inbox->count & (inbox->count - 1)) == 0) {
        size_t room = inbox->count > 0 ? inbox->count * 2 : 1;
        inbox->ring = alloc_resize(inbox->ring, room * sizeof inbox->ring[0]);
    }
    inbox->count++;
}

inbox_status_t inbox_take(inbox_t *inbox, const char *sender, const char *id)
{
    char key[KEY_SIZE];
    size_t length = make_key(key, sender, id);
    entry_t *entry = hash_get(inbox->entries, key);

    if (entry)
        return entry->undecided ? INBOX_UNDECIDED : INBOX_DECIDED;
    make_room(inbox);
    entry = alloc_bytes(sizeof *entry + length + 1);
    entry->undecided = entry->remembered = true;
    memcpy(entry->key, key, length + 1);
    inbox->ring[inbox->next] = entry;
    inbox->next = (inbox->next + 1) % inbox->capacity;
    hash_put(inbox->entries, key, entry);
    return INBOX_NEW;
}

bool inbox_decide(inbox_t *inbox, const char *sender, const char *id)
{
    char key[KEY_SIZE];

    make_key(key, sender, id);
    entry_t *entry = hash_get(inbox->entries, key);
    if (!entry || !entry->undecided)
        return false;
    entry->undecided = false;
    if (!entry->remembered)
        remove_entry(inbox, entry);
    return true;
}
