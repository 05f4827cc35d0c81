/* The inside of the store client, for its own files: store_client.c (pages, the breaker), store_claims.c,
 * store_writes.c (puts and acknowledgements) and store_received.c. */
#ifndef P2P_SERVER_STORE_CALLS_H
#define P2P_SERVER_STORE_CALLS_H
#include "../common/http_client.h"
#include "store_client.h"
#include "store_link.h"

enum {
    STORE_PUT_MAX = 256,          /* messages of one batch */
    STORE_ACKNOWLEDGE_MAX = 1024, /* keys of one call */
    STORE_RECEIVED_MAX = 4096,    /* the same, of messages received before they were put */
    STORE_CLAIM_MAX = 256,        /* mailboxes of one call */
    STORE_CALL_MS = 5000,
};

/* A claim or a page. */
typedef struct job {
    TAILQ_ENTRY(job) link;
    store_client_t *client;
    mailbox_t *mailbox;
    unsigned generation; /* of a page */
    int64_t after;
} job_t;

TAILQ_HEAD(job_list, job);

struct store_client {
    uv_timer_t probe;
    uv_timer_t hold;   /* until the oldest put is due */
    uv_timer_t gather; /* the claims of this turn of the loop go together */
    uv_timer_t pace;   /* until keys may be sent again */
    unsigned open_timers;
    char *base, *token;
    const log_t *log;
    store_events_t events;
    void *context;
    http_client_t *http;
    /* NULL: their calls go over http too. */
    store_link_t *put_link, *ack_link, *received_link, *claim_link;
    err_t state;
    bool closing;

    struct delivery_list puts;
    size_t pressing; /* of them: those that nobody can receive before they are on disk */
    delivery_t *put_batch[STORE_PUT_MAX];
    size_t put_count;  /* under way */
    size_t one_by_one; /* of the next ones: their batch did not fit, one of them is to blame */

    struct delivery_list acknowledgements;
    delivery_t *ack_batch[STORE_ACKNOWLEDGE_MAX]; /* those of one mailbox lie together */
    mailbox_t *ack_mailboxes[STORE_ACKNOWLEDGE_MAX];
    size_t ack_count, ack_mailbox_count;

    struct delivery_list received;
    delivery_t *received_batch[STORE_RECEIVED_MAX];
    size_t received_count;  /* under way */
    bool received_paced;    /* the next call waits a moment for more */
    uint64_t received_done; /* uv_now when the last call ended; 0: the next one may come at once */

    struct job_list claims;
    job_t *claim_batch[STORE_CLAIM_MAX];
    size_t claim_count; /* under way */

    struct job_list pages;
    unsigned running;
};

/* A POST, by the link of its kind; the path is appended to the base. */
void store_post(store_client_t *client, store_link_t *link, const char *path, const buffer_t *body,
                http_done_cb on_done);
/* OK, what the store says about the call, or that it is away. */
err_t store_read_answer(const http_answer_t *answer);
bool store_is_away(err_t err);
/* Every call that found the store away comes here. */
void store_failed(store_client_t *client, err_t why, const http_answer_t *answer);

/* Begin the next batch, if there is one and none is under way. */
void store_start_put(store_client_t *client);
void store_start_acknowledge(store_client_t *client);
void store_start_received(store_client_t *client);
void store_start_claim(store_client_t *client);
/* Into the queue of puts, to be sent at once; is in none. */
void store_put_again(store_client_t *client, delivery_t *delivery);
/* Makes puts again of those that wait and are not on disk: the store is away. */
void store_return_received(store_client_t *client);
/* Gives the claims that wait to their mailboxes: the store is away. */
void store_fail_claims(store_client_t *client, err_t why);
/* At the end. */
void store_drop_claims(store_client_t *client);

#endif
