#include "sent.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "common/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sent {
    hash_t *by_id;
    sent_record_t **ring;
    size_t capacity, next;
};

sent_t *sent_new(size_t capacity)
{
    sent_t *sent = alloc_new(sent_t);
    sent->by_id = hash_new();
    sent->ring = alloc_zero(capacity, sizeof *sent->ring);
    sent->capacity = capacity;
    return sent;
}

void sent_free(sent_t *sent)
{
    if (!sent)
        return;
    for (size_t i = 0; i < sent->capacity; i++)
        free(sent->ring[i]);
    free(sent->ring);
    hash_free(sent->by_id);
    free(sent);
}

static void set_excerpt(sent_record_t *record, const message_t *message)
{
    const char *newline = memchr(message->text, '\n', message->text_length);
    size_t line = newline ? (size_t)(newline - message->text) : message->text_length;
    size_t length = text_cut(message->text, line, SENT_EXCERPT_BYTES);
    memcpy(record->excerpt, message->text, length);
    record->excerpt[length] = '\0';
    record->cut = length < message->text_length;
}

void sent_add(sent_t *sent, const message_t *message)
{
    sent_record_t **slot = &sent->ring[sent->next];
    sent->next = (sent->next + 1) % sent->capacity;
    if (*slot) {
        hash_remove(sent->by_id, (*slot)->id);
        free(*slot);
    }
    *slot = alloc_new(sent_record_t);
    snprintf((*slot)->id, sizeof(*slot)->id, "%s", message->id);
    snprintf((*slot)->destination, sizeof(*slot)->destination, "%s", message->destination);
    set_excerpt(*slot, message);
    hash_put(sent->by_id, (*slot)->id, *slot);
}

const sent_record_t *sent_find(const sent_t *sent, const char *id)
{
    return hash_get(sent->by_id, id);
}
