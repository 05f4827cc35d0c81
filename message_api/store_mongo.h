/* The inside of the MongoDB store, shared by its files:
 *   store_mongo.c           the backend: sessions, failures, the phases of a batch
 *   store_mongo_document.c  messages as documents and back
 *   store_mongo_mailbox.c   owners, counts, pages
 *   store_mongo_adopt.c     what the original left
 *   store_mongo_put.c       storing
 *   store_mongo_remember.c  tombstones of what was received before it was stored
 *   store_mongo_bury.c      acknowledging: tombstones, and forgetting them
 *
 * Collection `messages`: the original's fields (sender, destination, message, timestamp, type, metadata, and
 * both names that its mark of the read ones has had: read, is_read)
 * and ours: id, seq, bytes, metadata_json (the exact print, when it is not {}), acknowledged_at (of tombstones,
 * which lose message and metadata). Our _id is "sender:id", so that a key is there once; the original's are
 * ObjectIds, and those documents get the other fields ("adoption") when their mailbox is first touched.
 * Collection `mailboxes`: _id is the username, `epoch`; and ":seq", the counter that seq is taken from.
 *
 * There are no transactions on a single server. So every step may be repeated, new comes before old goes, and
 * a batch is done in phases (see request_kind_t), each with few round trips however large it is. How much
 * waits in a mailbox is counted at first touch, and then kept in memory by the one writer. */
#ifndef P2P_STORE_MONGO_H
#define P2P_STORE_MONGO_H
#include "../common/hash.h"
#include "store_backend.h"
#include <mongoc/mongoc.h>

enum { MONGO_KEY_SIZE = USERNAME_SIZE + ID_SIZE, MONGO_CODE_DUPLICATE = 11000, MONGO_CODE_DISK_FULL = 14031 };

typedef struct mongo_mailbox {
    struct mongo_mailbox *next;
    char username[USERNAME_SIZE];
    int64_t waiting_count, waiting_bytes;
    uint64_t counted_until; /* uv_hrtime; 0: to be counted anew */
} mongo_mailbox_t;

typedef struct {
    const log_t *log;
    mongoc_client_pool_t *pool;
    char *database;
    int64_t mailbox_messages, mailbox_bytes;
    size_t max_message_bytes;

    /* The writer's own. */
    bool ready;             /* the indexes are there */
    hash_t *mailboxes;      /* what is known of them, by name */
    mongo_mailbox_t *known; /* the same, as a list */
    err_t failing;          /* the last write's error */
    char reason[REASON_SIZE];
} mongo_store_t;

/* One thread's connection for the time of a batch or a read. */
typedef struct {
    mongo_store_t *store;
    mongoc_client_t *client;
    mongoc_collection_t *messages, *mailboxes;
    bson_error_t error; /* of the call that failed */
} mongo_session_t;

/* The suite's error of what session->error holds; never ERR_OK. */
err_t mongo_err(const mongo_session_t *session);

/* An array that grows: of _ids, of documents. */
typedef struct {
    bson_t array;
    uint32_t count;
} mongo_list_t;

void mongo_list_init(mongo_list_t *list);
void mongo_list_free(mongo_list_t *list);
void mongo_list_add_text(mongo_list_t *list, const char *text);
void mongo_list_add_oid(mongo_list_t *list, const bson_oid_t *oid);
/* The _id of the document. */
void mongo_list_add_id(mongo_list_t *list, const bson_t *document);

/* --- store_mongo_document.c --- */

void mongo_key(const char *sender, const char *id, char key[MONGO_KEY_SIZE]);
/* out: an empty document. */
void mongo_document_write(const message_t *message, int64_t seq, bson_t *out);
/* Also of documents that the original wrote, or anyone: what doesn't fit is made to. */
void mongo_document_read(const bson_t *document, size_t max_message_bytes, message_t *out);
/* "" and 0 when there is no such field of that type. */
const char *mongo_text(const bson_t *document, const char *name);
int64_t mongo_integer(const bson_t *document, const char *name);

/* --- store_mongo_mailbox.c --- */

/* Owned by the store, until mongo_mailboxes_forget. Its name is added to `due` when it must be counted first. */
mongo_mailbox_t *mongo_mailbox_get(mongo_store_t *store, const char *username, mongo_list_t *due);
/* Adopts and counts what waits for them. An error makes the caller forget all mailboxes. */
err_t mongo_mailboxes_count(mongo_session_t *session, const mongo_list_t *due);
/* Forgets the counts: after errors, and when they are too many. */
void mongo_mailboxes_forget(mongo_store_t *store);
err_t mongo_mailbox_claim(mongo_session_t *session, store_request_t *request);
/* *epoch: 0 when there is no such mailbox. */
err_t mongo_mailbox_epoch(mongo_session_t *session, const char *username, int64_t *epoch);
/* Adds waiting messages to the request's entries. */
err_t mongo_mailbox_page(mongo_session_t *session, store_request_t *request);
err_t mongo_mailbox_read_all(mongo_session_t *session, store_request_t *request);
/* Numbers for `count` messages: *first and the following ones. */
err_t mongo_take_seqs(mongo_session_t *session, size_t count, int64_t *first);
/* Frees filter and options. */
mongoc_cursor_t *mongo_find(mongoc_collection_t *collection, bson_t *filter, bson_t *options);
/* Ends a walk: ERR_OK unless the cursor failed. */
err_t mongo_cursor_end(mongo_session_t *session, mongoc_cursor_t *cursor);

/* --- store_mongo_adopt.c --- */

/* Gives waiting documents of these mailboxes that lack them id, seq and bytes. */
err_t mongo_adopt(mongo_session_t *session, const mongo_list_t *usernames);

/* --- store_mongo_put.c --- */

/* The errors of an unordered insert, by the document's place in it: is each of them but a duplicate, which is then
 * told? */
bool mongo_only_duplicates(const bson_t *reply, void (*on_duplicate)(void *context, size_t index),
                           void *context);

/* All requests of the kind REQUEST_PUT as one; sets their results, not their err. */
err_t mongo_put(mongo_session_t *session, store_request_t **requests, size_t count);

/* --- store_mongo_remember.c --- */

/* All requests of the kind REQUEST_REMEMBER; sets their results, not their err. */
err_t mongo_remember(mongo_session_t *session, store_request_t **requests, size_t count);

/* --- store_mongo_bury.c --- */

/* Adds to the list every form that the _id of a message with this key may have. */
void mongo_list_add_key(mongo_list_t *list, const char *sender, const char *id);
/* The waiting ones among these _ids: _id, destination and bytes of each. */
mongoc_cursor_t *mongo_find_waiting(mongo_session_t *session, const mongo_list_t *ids);
/* Makes tombstones of those that wait. */
err_t mongo_bury(mongo_session_t *session, const mongo_list_t *ids);
/* All requests of the kind REQUEST_ACKNOWLEDGE as one; sets their results, not their err. */
err_t mongo_acknowledge(mongo_session_t *session, store_request_t **requests, size_t count);
/* See store_backend_t. */
err_t mongo_purge_step(mongo_session_t *session, int64_t before, bool *more);

#endif
