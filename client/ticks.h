/* Receipts held back for a moment, so that one line tells about many, and a message that is stored and
 * delivered at once gets one tick line instead of two. Pure. */
#ifndef P2P_CLIENT_TICKS_H
#define P2P_CLIENT_TICKS_H
#include "common/frame.h"
#include "sent.h"

enum { TICKS_MAX = 64, TICKS_SETTLE_MS = 250 };

typedef struct {
    sent_record_t record;
    receipt_status_t status; /* stored or delivered */
    bool away;
} tick_t;

typedef struct {
    tick_t items[TICKS_MAX];
    int count;
} ticks_t;

/* False when it is full: settle first. */
bool ticks_add(ticks_t *ticks, const sent_record_t *record, receipt_status_t status, bool away);
/* How many of the items from `first` on are for the same recipient with the same status as the first;
 * they are moved together behind it. */
int ticks_group(ticks_t *ticks, int first);

#endif
