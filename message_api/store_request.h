/* One call of the store on its way: made on the loop, worked on by one of the store's threads, answered on
 * the loop. Between store_queue_submit and its return to the loop the request belongs to the threads; the
 * loop touches only what is marked as its own. */
#ifndef P2P_STORE_REQUEST_H
#define P2P_STORE_REQUEST_H
#include "store.h"
#include <stdatomic.h>

enum { REASON_SIZE = 160 };

typedef enum {
    /* Done by the one writer, in the order of their coming; MongoDB takes a batch in this order. */
    REQUEST_PUT,
    REQUEST_REMEMBER,
    REQUEST_ACKNOWLEDGE,
    REQUEST_CLAIM,
    REQUEST_READ_ALL,
    REQUEST_HEALTH,
    /* Done by the readers. */
    REQUEST_READ,
} request_kind_t;

typedef union {
    store_put_cb put;
    store_acknowledge_cb acknowledge;
    store_claim_cb claim;
    store_page_cb page;
    store_health_cb health;
} request_callback_t;

typedef struct store_request {
    struct store_request *next; /* of the thread that has it: the next one in the same list */

    /* The loop's own. */
    struct store_request *newer, *older; /* unanswered requests by age */
    uint64_t deadline;                   /* uv_now */
    size_t bytes;                        /* what it counts for in the queue's limit */
    bool answered;
    request_callback_t callback;
    void *context;

    atomic_bool cancelled; /* set by the loop: nobody waits any more, don't begin it */

    request_kind_t kind;
    char username[USERNAME_SIZE];
    int64_t epoch; /* asked for */
    int64_t after;
    size_t limit;
    message_t *messages;                       /* owned */
    store_acknowledgement_t *acknowledgements; /* owned */
    store_claim_t *claims;                     /* owned; the answer too */
    store_key_t *keys;                         /* owned */
    size_t count;                              /* of messages, acknowledgements, claims or keys */

    /* The answer. */
    err_t err;
    store_result_t *results; /* owned, one per message or key */
    err_t *mailbox_results;  /* owned, one per acknowledgement */
    store_entry_t *entries;  /* owned */
    size_t entry_count, entry_capacity;
    size_t entry_bytes;
    bool more;
    char reason[REASON_SIZE];
} store_request_t;

store_request_t *request_new(request_kind_t kind, void *context);
void request_free(store_request_t *request);
/* Calls the callback with err; what the threads left in the request is read only when err is ERR_OK (or for
 * health's reason, when have_reason). */
void request_answer(store_request_t *request, err_t err, bool have_reason);
/* Adds an entry; takes over what the message owns. */
void request_add_entry(store_request_t *request, const message_t *message, int64_t seq);
/* Is the page as large as it may be? */
bool request_page_is_full(const store_request_t *request, size_t limit);
void request_drop_entries(store_request_t *request);

/* Cut to fit. */
void reason_set(char out[REASON_SIZE], const char *reason);

/* metadata.replaces: true and the id when there is a valid one. */
bool message_replaces(const message_t *message, char id[ID_SIZE]);
/* What a message counts for in its mailbox. */
size_t message_mailbox_bytes(const message_t *message);

#endif
