#include "outgoing.h"
#include "common/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outgoing_init(outgoing_t *outgoing, size_t room)
{
    *outgoing = (outgoing_t){.room = room};
}

bool outgoing_push(outgoing_t *outgoing, const char *text, size_t length, const char *sender, const char *id)
{
    outgoing_item_t *item = try_bytes(sizeof *item + outgoing->room + length);

    if (!item)
        return false;
    item->next = NULL;
    item->length = length;
    snprintf(item->sender, sizeof item->sender, "%s", sender ? sender : "");
    snprintf(item->id, sizeof item->id, "%s", id ? id : "");
    memcpy(item->bytes + outgoing->room, text, length);
    if (outgoing->last)
        outgoing->last->next = item;
    else
        outgoing->first = item;
    outgoing->last = item;
    outgoing->bytes += length;
    return true;
}

outgoing_item_t *outgoing_pop(outgoing_t *outgoing)
{
    outgoing_item_t *item = outgoing->first;

    if (!item)
        return NULL;
    outgoing->first = item->next;
    if (!outgoing->first)
        outgoing->last = NULL;
    outgoing->bytes -= item->length;
    return item;
}

void outgoing_free(outgoing_t *outgoing)
{
    outgoing_item_t *item;

    while ((item = outgoing_pop(outgoing)))
        free(item);
}
