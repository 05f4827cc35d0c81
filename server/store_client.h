/* The way to the message API: batches of puts, acknowledgements and keys of what was received before it was put (one
 * of each under way, the next one collects meanwhile: so the order between any two users is kept) and of claims, pages
 * a few at a time, and a circuit breaker. Knows nothing of sessions.
 *
 * When the store fails, it is `away`: nothing is sent but a look at /health about twice a second, puts and
 * acknowledgements wait in their queues, and claims and pages fail. Callbacks come from the loop, never inside
 * a call of this header. */
#ifndef P2P_SERVER_STORE_CLIENT_H
#define P2P_SERVER_STORE_CLIENT_H
#include "../common/log.h"
#include "store_codec.h"
#include <uv.h>

typedef struct store_client store_client_t;

typedef struct {
    /* The store's answer for a queued put; the delivery is out of the queue. */
    void (*on_put)(void *context, delivery_t *delivery, const store_put_result_t *result);
    /* The acknowledgement is done (the delivery is out of the queue), or the mailbox's epoch is stale. */
    void (*on_acknowledged)(void *context, delivery_t *delivery, bool stale);
    /* err: OK, or why the store is away; claimed only when OK. */
    void (*on_claimed)(void *context, mailbox_t *mailbox, err_t err, const store_claimed_t *claimed);
    /* The claim leaves now: its answer tells of all that was stored before. */
    void (*on_claim_sent)(void *context, mailbox_t *mailbox);
    /* err: OK, STALE_EPOCH, or why the store is away; page only when OK. `generation` as it was given. */
    void (*on_page)(void *context, mailbox_t *mailbox, unsigned generation, err_t err, store_page_t *page);
    /* Puts came back undone: decide which of store_client_puts may wait (also when it was away already). */
    void (*on_away)(void *context, err_t why);
    void (*on_back)(void *context);
} store_events_t;

/* base: http://host:port. Strings are copied. NULL when the base is no address. */
store_client_t *store_client_new(uv_loop_t *loop, const char *base, const char *token, const log_t *log,
                                 const store_events_t *events, void *context);
/* No callback comes from here on; frees when the handles are closed. Queued deliveries stay their owner's. */
void store_client_free(store_client_t *client);

/* OK, or why it is away: STORE_UNAVAILABLE, DISK_FULL. */
err_t store_client_state(const store_client_t *client);
/* Nothing waits and nothing is under way. */
bool store_client_is_idle(const store_client_t *client);

/* The delivery must live until its answer, or until it is taken back. */
void store_client_put(store_client_t *client, delivery_t *delivery);
/* False when it is under way already. */
bool store_client_take_back(store_client_t *client, delivery_t *delivery);
/* It was taken back and the recipient has it: its key alone goes to the store, when that is back. on_put tells
 * STORE_PUT_RECEIVED, or DUPLICATE when it may be in the mailbox all the same. */
void store_client_receive(store_client_t *client, delivery_t *delivery);
/* The queued ones, oldest first, without those under way. */
struct delivery_list *store_client_puts(store_client_t *client);

/* Of a mailbox whose epoch is known; it is asked for when the batch is made. */
void store_client_acknowledge(store_client_t *client, delivery_t *delivery);

/* Only while the store is not away. The mailbox must live until the answer. */
void store_client_claim(store_client_t *client, mailbox_t *mailbox);
void store_client_read(store_client_t *client, mailbox_t *mailbox, unsigned generation, int64_t after);

#endif
