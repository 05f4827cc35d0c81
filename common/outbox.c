#include "outbox.h"
#include "alloc.h"
#include "hash.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    struct entry *previous, *next; /* a ring through outbox_t.ring */
    message_t message;
    int64_t added_us;
    uint64_t connection; /* the last that it was written to, 0 = none */
    bool sent;
} entry_t;

struct outbox {
    entry_t ring; /* next is the oldest; holds no message */
    hash_t *by_id;
    size_t bytes;
    uint64_t connection; /* the number of the present one */
};

outbox_t *outbox_new(void)
{
    outbox_t *outbox = alloc_new(outbox_t);
    outbox->ring.previous = outbox->ring.next = &outbox->ring;
    outbox->by_id = hash_new();
    outbox->connection = 1;
    return outbox;
}

static size_t entry_bytes(const message_t *message)
{
    return sizeof(entry_t) + message->text_length + message->metadata_length;
}

/* The message stays the caller's to free. */
static message_t unlink_entry(outbox_t *outbox, entry_t *entry)
{
    message_t message = entry->message;
    outbox->bytes -= entry_bytes(&message);
    hash_remove(outbox->by_id, message.id);
    entry->previous->next = entry->next;
    entry->next->previous = entry->previous;
    free(entry);
    return message;
}

void outbox_free(outbox_t *outbox)
{
    if (outbox == NULL)
        return;
    while (outbox->ring.next != &outbox->ring) {
        message_t message = unlink_entry(outbox, outbox->ring.next);
        message_free(&message);
    }
    hash_free(outbox->by_id);
    free(outbox);
}

static entry_t *new_entry(outbox_t *outbox, const message_t *message, int64_t now_us)
{
    entry_t *entry = alloc_new(entry_t);
    entry->message = *message;
    entry->message.text = alloc_string_n(message->text, message->text_length);
    entry->message.metadata = alloc_string_n(message->metadata, message->metadata_length);
    entry->added_us = now_us;
    entry->previous = outbox->ring.previous;
    entry->next = &outbox->ring;
    entry->previous->next = entry->next->previous = entry;
    hash_put(outbox->by_id, entry->message.id, entry);
    outbox->bytes += entry_bytes(message);
    return entry;
}

err_t outbox_add(outbox_t *outbox, const message_t *message, int64_t now_us, const message_t **kept)
{
    entry_t *entry = hash_get(outbox->by_id, message->id);
    if (entry == NULL) { /* else: the same id is the same message */
        if (hash_count(outbox->by_id) >= OUTBOX_MAX_MESSAGES ||
            outbox->bytes + entry_bytes(message) > OUTBOX_MAX_BYTES)
            return ERR_BUSY;
        entry = new_entry(outbox, message, now_us);
    }
    if (kept != NULL)
        *kept = &entry->message;
    return ERR_OK;
}

bool outbox_remove(outbox_t *outbox, const char *id)
{
    entry_t *entry = hash_get(outbox->by_id, id);
    if (entry == NULL)
        return false;
    message_t message = unlink_entry(outbox, entry);
    message_free(&message);
    return true;
}

size_t outbox_count(const outbox_t *outbox)
{
    return hash_count(outbox->by_id);
}

const message_t *outbox_next(outbox_t *outbox, void **position, bool *sent_before)
{
    /* The position is the one to return next, so that the one returned may go. */
    entry_t *entry = *position == NULL ? outbox->ring.next : *position;
    if (entry == &outbox->ring) {
        *position = entry;
        return NULL;
    }
    *position = entry->next;
    if (sent_before != NULL)
        *sent_before = entry->sent;
    return &entry->message;
}

static entry_t *entry_of(const message_t *kept)
{
    return (entry_t *)((char *)kept - offsetof(entry_t, message));
}

void outbox_mark_sent(const message_t *kept)
{
    entry_of(kept)->sent = true;
}

void outbox_mark_written(outbox_t *outbox, const message_t *kept)
{
    entry_t *entry = entry_of(kept);
    entry->sent = true;
    entry->connection = outbox->connection;
}

bool outbox_is_written(const outbox_t *outbox, const message_t *kept)
{
    return entry_of(kept)->connection == outbox->connection;
}

void outbox_new_connection(outbox_t *outbox)
{
    outbox->connection++;
}

bool outbox_expire(outbox_t *outbox, int64_t now_us, message_t *out)
{
    entry_t *oldest = outbox->ring.next;
    if (oldest == &outbox->ring || now_us - oldest->added_us < OUTBOX_MAX_AGE_US)
        return false;
    *out = unlink_entry(outbox, oldest);
    return true;
}
