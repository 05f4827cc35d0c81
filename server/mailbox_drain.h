/* Reading a mailbox from the store: the store's answers and its absence, see mailbox_drain.c. */
#ifndef P2P_SERVER_MAILBOX_DRAIN_H
#define P2P_SERVER_MAILBOX_DRAIN_H
#include "mailbox.h"

void mailbox_on_page(void *context, mailbox_t *mailbox, unsigned generation, err_t err, store_page_t *page);
void mailbox_on_claimed(void *context, mailbox_t *mailbox, err_t err, const store_claimed_t *claimed);
void mailbox_on_claim_sent(void *context, mailbox_t *mailbox);
/* Of a mailbox with a session. */
void mailbox_store_is_away(mailbox_t *mailbox, err_t why);
void mailbox_store_is_back(mailbox_t *mailbox);

#endif
