#include "unwritten.h"
#include "common/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unwritten {
    unwritten_item_t *items;
    size_t first, count, capacity;
};

unwritten_t *unwritten_new(void)
{
    return alloc_new(unwritten_t);
}

void unwritten_free(unwritten_t *unwritten)
{
    if (!unwritten)
        return;
    free(unwritten->items);
    free(unwritten);
}

static void make_room(unwritten_t *unwritten)
{
    if (unwritten->first + unwritten->count < unwritten->capacity)
        return;
    if (unwritten->first > unwritten->count) {
        memcpy(unwritten->items, unwritten->items + unwritten->first,
               unwritten->count * sizeof *unwritten->items);
        unwritten->first = 0;
        return;
    }
    unwritten->capacity = unwritten->capacity ? unwritten->capacity * 2 : 16;
    unwritten->items = alloc_resize(unwritten->items, unwritten->capacity * sizeof *unwritten->items);
}

void unwritten_add(unwritten_t *unwritten, const char *sender, const char *id, uint64_t end)
{
    make_room(unwritten);
    unwritten_item_t *item = &unwritten->items[unwritten->first + unwritten->count++];
    snprintf(item->sender, sizeof item->sender, "%s", sender);
    snprintf(item->id, sizeof item->id, "%s", id);
    item->end = end;
}

bool unwritten_take(unwritten_t *unwritten, uint64_t written, unwritten_item_t *out)
{
    if (unwritten->count == 0 || unwritten->items[unwritten->first].end > written)
        return false;
    *out = unwritten->items[unwritten->first++];
    if (--unwritten->count == 0)
        unwritten->first = 0;
    return true;
}
