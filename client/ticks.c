#include "ticks.h"
#include <string.h>

bool ticks_add(ticks_t *ticks, const sent_record_t *record, receipt_status_t status, bool away)
{
    for (int i = 0; i < ticks->count; i++) {
        tick_t *tick = &ticks->items[i];
        if (strcmp(tick->record.id, record->id) != 0)
            continue;
        if (status == RECEIPT_DELIVERED)
            tick->status = status; /* a later `stored` tells nothing new */
        return true;
    }
    if (ticks->count == TICKS_MAX)
        return false;
    ticks->items[ticks->count++] = (tick_t){*record, status, away};
    return true;
}

static bool alike(const tick_t *a, const tick_t *b)
{
    return a->status == b->status && a->away == b->away &&
           strcmp(a->record.destination, b->record.destination) == 0;
}

int ticks_group(ticks_t *ticks, int first)
{
    int end = first + 1;
    for (int i = end; i < ticks->count; i++) {
        if (!alike(&ticks->items[first], &ticks->items[i]))
            continue;
        tick_t moved = ticks->items[i];
        memmove(&ticks->items[end + 1], &ticks->items[end], (size_t)(i - end) * sizeof moved);
        ticks->items[end++] = moved;
    }
    return end - first;
}
