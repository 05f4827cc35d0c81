/* The store: owns the mailboxes, on SQLite or MongoDB.
 *
 * All calls are made on the loop's thread and return at once; the work is done by the store's own threads.
 * When a call returns ERR_OK, its callback fires later on the loop, never inside the call, exactly once, also
 * at shutdown and past the deadline. When it returns an error, its callback never fires and the caller keeps
 * what it passed:
 *   ERR_BUSY       too many requests or bytes are waiting already
 *   ERR_NO_MEMORY
 *   ERR_CLOSED     store_close was called
 *
 * Errors that a callback reports for the whole request:
 *   ERR_STORE_UNAVAILABLE  the database is away, failed, or did not answer within the deadline; of a write it
 *                          is then unknown whether it was done: repeat it
 *   ERR_DISK_FULL
 *   ERR_STALE_EPOCH        store_read
 *   ERR_NO_MEMORY
 * ERR_OK of a write means that it is on disk (SQLite: after COMMIT with synchronous=FULL; MongoDB: w:majority,
 * j:true).
 *
 * Usernames are normalised names (username.h); strings need to live only during the call, unless ownership is
 * stated. What a callback is given belongs to the store and lives until the callback returns. */
#ifndef P2P_STORE_H
#define P2P_STORE_H
#include "../common/log.h"
#include "../common/message.h"
#include <stdint.h>
#include <uv.h>

enum {
    STORE_MAX_PUT = 256,          /* messages in a batch */
    STORE_MAX_CLAIM = 256,        /* mailboxes in a claim */
    STORE_MAX_PAGE = 256,         /* messages in a page */
    STORE_MAX_ACKNOWLEDGE = 1024, /* keys in a request */
    STORE_MAX_REMEMBER = 4096,    /* the same, of what was received before it was stored */
    STORE_MAX_READ_ALL =
        1000, /* messages that store_read_all gives at once; the rest stays for the next call */
    STORE_TOMBSTONE_DAYS = 7,
};

typedef struct store store_t;

typedef struct {
    const char *mongo_url;    /* NULL or "": SQLite */
    const char *database;     /* SQLite: path of the file; its folder is made if it is missing */
    size_t mailbox_messages;  /* waiting messages in one mailbox */
    size_t mailbox_bytes;     /* text and metadata of them */
    size_t max_message_bytes; /* what the original left behind is cut to it */
    size_t queue_requests;    /* waiting requests; 0 = 4096 */
    size_t queue_bytes;       /* and their bytes; 0 = 64 MiB */
    unsigned deadline_ms;     /* from the call to its callback at the latest; 0 = 10000 */
} store_config_t;

/* Opens the store; copies the config; the log is not owned. SQLite: blocks until the file is open and sound;
 * on error (file unreadable, corrupt, of a newer version) the reason is in the log. MongoDB: only a malformed
 * URL is an error (ERR_INVALID_SETTING); a server that is away is found again by itself, and meanwhile calls
 * get ERR_STORE_UNAVAILABLE. */
err_t store_open(uv_loop_t *loop, const store_config_t *config, const log_t *log, store_t **out);

/* Takes no more calls, finishes what waits for at most two seconds, gives the rest ERR_STORE_UNAVAILABLE,
 * stops the threads, closes the handles, frees the store; then closed (may be NULL) fires. A database that
 * hangs keeps it for one second more: then closed fires with clean = false, and threads are still at work in
 * the database's library. The program should end by _exit then. */
typedef void (*store_closed_cb)(void *context, bool clean);
void store_close(store_t *store, store_closed_cb closed, void *context);

/* --- storing --- */

typedef enum { STORE_STORED, STORE_DUPLICATE, STORE_REJECTED } store_status_t;

typedef struct {
    store_status_t
        status; /* duplicate: this (sender, id) is there, waiting or acknowledged within the last 7 days */
    err_t err;  /* rejected: ERR_MAILBOX_FULL; else ERR_OK */
} store_result_t;

/* results: one per message in the order of the request; NULL when err is not ERR_OK (then nothing counts as
 * stored). */
typedef void (*store_put_cb)(void *context, err_t err, const store_result_t *results, size_t count);

/* Stores 1 to STORE_MAX_PUT messages, complete ones (id, sender, destination, timestamp set). Takes ownership
 * of the array (malloc) and of what is in it. Order within a request and between requests is kept.
 * metadata.replaces (a string, an id): in the same transaction the message (same sender, that id) is
 * acknowledged if it waits in the same mailbox; the limit is checked as if it were gone already. */
err_t store_put_batch(store_t *store, message_t *messages, size_t count, store_put_cb callback,
                      void *context);

/* --- reading --- */

typedef struct {
    char username[USERNAME_SIZE];
    int64_t epoch; /* the answer */
    bool waiting;  /* the answer: there are messages to read; false: the first page would be empty */
} store_claim_t;

/* claims: those of the call; NULL when err is not ERR_OK. */
typedef void (*store_claim_cb)(void *context, err_t err, const store_claim_t *claims, size_t count);
/* Makes the caller the owner of 1 to STORE_MAX_CLAIM mailboxes: raises their epochs (the first one is 1). A
 * mailbox that has nothing exists too. Takes ownership of the array (malloc). */
err_t store_claim(store_t *store, store_claim_t *claims, size_t count, store_claim_cb callback,
                  void *context);

typedef struct {
    message_t message;
    int64_t seq; /* ascends within a mailbox in the order of storing; below 2^53 */
} store_entry_t;

/* entries: oldest first; NULL and 0 on error. more: there are waiting messages behind the last entry. */
typedef void (*store_page_cb)(void *context, err_t err, const store_entry_t *entries, size_t count,
                              bool more);

/* Waiting messages with seq > after, at most limit (1 to STORE_MAX_PAGE; and about 1 MiB). Changes nothing.
 * ERR_STALE_EPOCH when epoch is not the mailbox's last one. */
err_t store_read(store_t *store, const char *username, int64_t epoch, int64_t after, size_t limit,
                 store_page_cb callback, void *context);

/* For the original's GET: the oldest waiting messages, at most STORE_MAX_READ_ALL (and about 1 MiB). Asks for no
 * epoch. Changes nothing: what has reached the reader is to be acknowledged with STORE_ANY_EPOCH, and a call made
 * after that doesn't give it again. */
err_t store_read_all(store_t *store, const char *username, store_page_cb callback, void *context);

/* --- acknowledging --- */

#define STORE_ANY_EPOCH INT64_C(-1) /* whoever owns the mailbox */

typedef struct {
    char sender[USERNAME_SIZE];
    char id[ID_SIZE];
} store_key_t;

typedef struct {
    char username[USERNAME_SIZE];
    int64_t epoch;
    store_key_t *keys; /* malloc; NULL when count is 0 */
    size_t count;
} store_acknowledgement_t;

/* Frees the array and the keys in it. */
void store_acknowledgements_free(store_acknowledgement_t *acknowledgements, size_t count);

/* results: per mailbox ERR_OK or ERR_STALE_EPOCH (then none of its keys counts); NULL when err is not ERR_OK.
 */
typedef void (*store_acknowledge_cb)(void *context, err_t err, const err_t *results, size_t count);

/* Acknowledges messages by key: they are never read again, and their keys are remembered for 7 days. Keys
 * that are unknown, or wait in another mailbox, are ignored. At most STORE_MAX_ACKNOWLEDGE keys in all and as
 * many mailboxes. Takes ownership of the array (malloc). */
err_t store_acknowledge(store_t *store, store_acknowledgement_t *acknowledgements, size_t count,
                        store_acknowledge_cb callback, void *context);

/* Remembers 1 to STORE_MAX_REMEMBER keys of messages that were received before they were stored: as if each had been
 * stored and acknowledged. A duplicate is as it was; if it waits, it is to be acknowledged. Takes ownership of the array
 * (malloc). */
err_t store_remember(store_t *store, store_key_t *keys, size_t count, store_put_cb callback, void *context);

/* --- health --- */

/* reason: a sentence for people when err is not ERR_OK, else "". */
typedef void (*store_health_cb)(void *context, err_t err, const char *reason);
/* Asks the database whether it answers. A write that failed lately and was not followed by one that succeeded
 * is told. */
err_t store_health(store_t *store, store_health_cb callback, void *context);

/* "SQLite" or "MongoDB". */
const char *store_kind(const store_t *store);

#endif
