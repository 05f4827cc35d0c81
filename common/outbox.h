/* Messages that a client has sent and that the server has not acknowledged yet, in order; kept to be sent
 * again after a reconnect. In memory, bounded. Pure. */
#ifndef P2P_OUTBOX_H
#define P2P_OUTBOX_H
#include "message.h"

typedef struct outbox outbox_t;
enum { OUTBOX_MAX_MESSAGES = 10000, OUTBOX_MAX_BYTES = 32 * 1024 * 1024 };
#define OUTBOX_MAX_AGE_US (24LL * 3600 * 1000000) /* senders stop retrying after 24 h (section 5) */

outbox_t *outbox_new(void);
void outbox_free(outbox_t *outbox);
/* Copies. ERR_BUSY when full. The message needs its id. *kept (may be NULL) is the copy, or the message of that
 * id that was there already; it is the outbox's, and gone when it is removed. */
err_t outbox_add(outbox_t *outbox, const message_t *message, int64_t now_us, const message_t **kept);
/* false when unknown. */
bool outbox_remove(outbox_t *outbox, const char *id);
size_t outbox_count(const outbox_t *outbox);
/* Oldest first; *position starts at NULL. Returns NULL at the end. Removing the one just returned is allowed.
 * sent_before says whether it was marked. */
const message_t *outbox_next(outbox_t *outbox, void **position, bool *sent_before);
/* The next three take what outbox_add and outbox_next gave. Marks that the message was, or may have been, written
 * to a connection once: the next time it is a resend. */
void outbox_mark_sent(const message_t *kept);
/* The same, and that it was the present connection. */
void outbox_mark_written(outbox_t *outbox, const message_t *kept);
bool outbox_is_written(const outbox_t *outbox, const message_t *kept);
/* Another connection: nothing is written on it yet. */
void outbox_new_connection(outbox_t *outbox);
/* Takes out one that is too old into *out (to be freed); false when none is. */
bool outbox_expire(outbox_t *outbox, int64_t now_us, message_t *out);

#endif
