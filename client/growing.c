#include "growing.h"
#include <stdio.h>
#include <string.h>

void growing_free(growing_t *growing)
{
    for (int i = 0; i < GROWING_MAX; i++)
        buffer_free(&growing->items[i].shown);
}

growing_item_t *growing_find(growing_t *growing, const char *sender, const char *id)
{
    for (int i = 0; i < GROWING_MAX; i++) {
        growing_item_t *item = &growing->items[i];
        if (item->sender[0] && strcmp(item->sender, sender) == 0 && strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

growing_item_t *growing_get(growing_t *growing, const char *sender, const char *id)
{
    growing_item_t *item = growing_find(growing, sender, id);
    if (item)
        return item;
    item = &growing->items[0];
    for (int i = 1; i < GROWING_MAX; i++) {
        if (growing->items[i].number < item->number)
            item = &growing->items[i];
    }
    growing_drop(item);
    snprintf(item->sender, sizeof item->sender, "%s", sender);
    snprintf(item->id, sizeof item->id, "%s", id);
    item->number = ++growing->next_number;
    return item;
}

void growing_drop(growing_item_t *item)
{
    item->sender[0] = '\0';
    item->number = 0;
    buffer_free(&item->shown);
}

bool growing_continues(const growing_item_t *item, const char *text, size_t length)
{
    return length >= item->shown.length && memcmp(text, buffer_text(&item->shown), item->shown.length) == 0;
}
