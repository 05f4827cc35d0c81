/* What a chat session still has to bring to its server: the outbox, and which of it was written on the present
 * connection. Writes in order, and not more at once than the link should hold. Used by chat_session.c alone. */
#ifndef P2P_UNSENT_H
#define P2P_UNSENT_H
#include "chat_link.h"
#include "message.h"

typedef struct unsent unsent_t;

unsent_t *unsent_new(void);
void unsent_free(unsent_t *unsent);

/* Logged in: everything is to be written on this link, what was written on an earlier one as a resend. */
void unsent_begin(unsent_t *unsent, chat_link_t *link);
/* The link is gone, or about to go. */
void unsent_end(unsent_t *unsent);

/* Copies; writes it at once if nothing waits before it. again: an earlier session may have sent it already.
 * ERR_BUSY when the outbox is full. */
err_t unsent_add(unsent_t *unsent, const message_t *message, bool again);
/* The server has answered: it is never written again. */
void unsent_forget(unsent_t *unsent, const char *id);
/* Takes out one that is too old into *out (to be freed); false when none is. */
bool unsent_expire(unsent_t *unsent, message_t *out);

/* Writes what waits, as much as the link should hold: for every on_drain. */
void unsent_write(unsent_t *unsent);
/* Some wait to be written on this link. */
bool unsent_is_behind(const unsent_t *unsent);
/* Nothing waits, and the server reads: what may be dropped can be written now. */
bool unsent_has_room(const unsent_t *unsent);
size_t unsent_count(const unsent_t *unsent); /* in the outbox */

#endif
