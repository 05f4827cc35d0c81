/* What happens with a message that a user sends. */
#ifndef P2P_SERVER_ROUTER_H
#define P2P_SERVER_ROUTER_H
#include "session.h"

/* The message's destination, text, type, metadata (and id, if the sender has chosen one) are checked and set;
 * takes over what it owns. The answer comes through the protocol's on_receipt, now or later. resend: the
 * sender says that it may be a repeat. */
void router_send(session_t *session, message_t *message, bool resend);
/* A growing answer: to the destination's JSON session if there is one, else dropped. */
void router_partial(session_t *session, const char *destination, const char *id, const char *text);

#endif
