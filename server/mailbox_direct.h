/* For mailbox_direct*.c alone: what the two ways of passing on have in common. */
#ifndef P2P_SERVER_MAILBOX_DIRECT_H
#define P2P_SERVER_MAILBOX_DIRECT_H
#include "mailbox.h"
#include "protocol.h"

/* The mailbox that has this name exactly, if there is one; the session remembers the last one that it asked for. */
mailbox_t *direct_find(session_t *session, const char *name, size_t length);
/* The same, when a session of this protocol has it open. */
mailbox_t *direct_find_open(session_t *sender, const char *name, size_t length, const protocol_t *protocol);
/* Is nothing in the way of a message of the sender's, which memory alone is to hold? */
bool direct_takes_at_once(const session_t *sender, mailbox_t *mailbox);
/* The record was written behind the receiver's session_begin: keeps it and flushes. On an error nothing was written. */
err_t direct_keep(mailbox_t *mailbox, const direct_record_t *record);
/* Takes out the oldest one: the session has it. */
void direct_drop(mailbox_t *mailbox);

#endif
