/* The bodies of the message API's /v1 calls, both ways. Pure. */
#ifndef P2P_SERVER_STORE_CODEC_H
#define P2P_SERVER_STORE_CODEC_H
#include "delivery.h"

typedef enum {
    STORE_PUT_STORED,
    STORE_PUT_DUPLICATE,
    STORE_PUT_REFUSED,
    STORE_PUT_RECEIVED, /* its key is on disk, and that is all that there ever will be */
} store_put_t;

typedef struct {
    store_put_t status;
    err_t refusal; /* of STORE_PUT_REFUSED */
} store_put_result_t;

typedef struct {
    int64_t epoch;
    bool waiting; /* false: there was nothing to read */
} store_claimed_t;

typedef struct {
    message_t message;
    int64_t seq;
} store_entry_t;

typedef struct {
    store_entry_t
        *entries; /* what a receiver wants to keep of a message it takes over: text = metadata = NULL */
    size_t count;
    int64_t last_seq;  /* of the page, also when its last entry could not be read; 0 when it is empty */
    size_t unreadable; /* entries that were left out */
    bool more;
} store_page_t;

err_t store_write_put(buffer_t *out, delivery_t *const *batch, size_t count);
/* False when the answer is not what it should be: then nothing of `results` counts. */
bool store_read_put(const char *body, size_t length, store_put_result_t *results, size_t count);

err_t store_write_claims(buffer_t *out, const char *const *usernames, size_t count);
/* False when the answer is not what it should be: then nothing of `results` counts. */
bool store_read_claims(const char *body, size_t length, store_claimed_t *results, size_t count);

/* Path and query of a page. */
err_t store_write_page_path(buffer_t *out, const char *username, int64_t epoch, int64_t after, int limit);
/* Entries that cannot be read are left out. False: no page, or no memory for it. Free with store_page_free. */
bool store_read_page(const char *body, size_t length, store_page_t *page);
void store_page_free(store_page_t *page);

/* One {"sender":…,"id":…}, with a comma in front unless `out` is empty. */
err_t store_write_key(buffer_t *out, const message_t *message);
/* One mailbox of an acknowledgement, with a comma in front unless it is the first. */
err_t store_write_acknowledgement(buffer_t *out, const char *username, int64_t epoch, const char *keys);
/* stale[i]: the epoch of the i-th mailbox is no longer the last one. */
bool store_read_acknowledged(const char *body, size_t length, bool *stale, size_t count);

/* Keys alone, of messages that were received already, on their way into a body: begin, some keys, end. */
typedef struct {
    const char *sender;  /* of the last key; NULL at first */
    size_t ids, senders; /* that sender's, and how often one was named */
} store_received_t;

enum { STORE_RECEIVED_IDS = 256, STORE_RECEIVED_SENDERS = 256 };

/* Is there room for the key of this message too? */
bool store_received_fits(const store_received_t *received, const message_t *message);
/* The message lives until the end. */
err_t store_write_received(buffer_t *out, store_received_t *received, const message_t *message);
err_t store_end_received(buffer_t *out);
/* duplicate[i]: the i-th one was there already, and may wait there. False as above. */
bool store_read_duplicates(const char *body, size_t length, bool *duplicate, size_t count);

/* The stable word of an error answer; ERR_IO when there is none. */
err_t store_read_error(const char *body, size_t length);

#endif
