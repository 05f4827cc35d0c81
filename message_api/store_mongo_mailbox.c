#include "../common/alloc.h"
#include "store_mongo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_FETCH = 100,
};
/* Counts are renewed now and then, should something else write to the database. */
#define COUNT_LIFE_NS (UINT64_C(60) * 1000000000)

err_t mongo_cursor_end(mongo_session_t *session, mongoc_cursor_t *cursor)
{
    err_t err = mongoc_cursor_error(cursor, &session->error) ? mongo_err(session) : ERR_OK;
    mongoc_cursor_destroy(cursor);
    return err;
}

mongoc_cursor_t *mongo_find(mongoc_collection_t *collection, bson_t *filter, bson_t *options)
{
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, options, NULL);
    bson_destroy(filter);
    bson_destroy(options);
    return cursor;
}

/* Adds to a field of a document, which is made if it is missing; *value is what it has then. */
static err_t raise_counter(mongo_session_t *session, const char *id, const char *field, int64_t by,
                           int64_t *value)
{
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    bson_t *update = BCON_NEW("$inc", "{", field, BCON_INT64(by), "}");
    bson_t reply, changed;
    bson_iter_t iter;
    const uint8_t *data;
    uint32_t length;
    err_t err = ERR_STORE_UNAVAILABLE;
    mongoc_find_and_modify_opts_t *options = mongoc_find_and_modify_opts_new();
    mongoc_find_and_modify_opts_set_update(options, update);
    mongoc_find_and_modify_opts_set_flags(options,
                                          MONGOC_FIND_AND_MODIFY_UPSERT | MONGOC_FIND_AND_MODIFY_RETURN_NEW);
    if (!mongoc_collection_find_and_modify_with_opts(session->mailboxes, filter, options, &reply,
                                                     &session->error)) {
        err = mongo_err(session);
    } else if (bson_iter_init_find(&iter, &reply, "value") && BSON_ITER_HOLDS_DOCUMENT(&iter)) {
        bson_iter_document(&iter, &length, &data);
        if (bson_init_static(&changed, data, length) && (*value = mongo_integer(&changed, field)) > 0)
            err = ERR_OK;
    }
    bson_destroy(&reply);
    mongoc_find_and_modify_opts_destroy(options);
    bson_destroy(filter);
    bson_destroy(update);
    return err;
}

/* The counter is a document of `mailboxes` that no username can be. */
err_t mongo_take_seqs(mongo_session_t *session, size_t count, int64_t *first)
{
    int64_t last;
    err_t err = raise_counter(session, ":seq", "seq", (int64_t)count, &last);
    *first = last - (int64_t)count + 1;
    return err;
}

/* --- owners --- */

err_t mongo_mailbox_epoch(mongo_session_t *session, const char *username, int64_t *epoch)
{
    const bson_t *document;
    *epoch = 0;
    mongoc_cursor_t *cursor =
        mongo_find(session->mailboxes, BCON_NEW("_id", BCON_UTF8(username)), bson_new());
    if (mongoc_cursor_next(cursor, &document))
        *epoch = mongo_integer(document, "epoch");
    return mongo_cursor_end(session, cursor);
}

/* --- counts --- */

void mongo_mailboxes_forget(mongo_store_t *store)
{
    mongo_mailbox_t *mailbox;
    while ((mailbox = store->known) != NULL) {
        store->known = mailbox->next;
        hash_remove(store->mailboxes, mailbox->username);
        free(mailbox);
    }
}

static bson_t *waiting_filter(const char *username, int64_t after)
{
    return BCON_NEW("destination", BCON_UTF8(username), "read", BCON_BOOL(false), "is_read", "{", "$ne",
                    BCON_BOOL(true), "}", "seq", "{", "$gt", BCON_INT64(after), "}");
}

static err_t count_waiting(mongo_session_t *session, mongo_mailbox_t *mailbox)
{
    const bson_t *document;
    mailbox->waiting_count = mailbox->waiting_bytes = 0;
    mailbox->counted_until = uv_hrtime() + COUNT_LIFE_NS;
    mongoc_cursor_t *cursor = mongo_find(session->messages, waiting_filter(mailbox->username, 0),
                                         BCON_NEW("projection", "{", "bytes", BCON_INT32(1), "}"));
    while (mongoc_cursor_next(cursor, &document)) {
        mailbox->waiting_count++;
        mailbox->waiting_bytes += mongo_integer(document, "bytes");
    }
    return mongo_cursor_end(session, cursor);
}

err_t mongo_mailbox_load(mongo_session_t *session, const char *username, mongo_mailbox_t **out)
{
    mongo_store_t *store = session->store;
    mongo_mailbox_t *mailbox = hash_get(store->mailboxes, username);
    if (mailbox != NULL && uv_hrtime() < mailbox->counted_until) {
        *out = mailbox;
        return ERR_OK;
    }
    if (mailbox == NULL) {
        mailbox = alloc_new(mongo_mailbox_t);
        snprintf(mailbox->username, sizeof mailbox->username, "%s", username);
        mailbox->next = store->known;
        store->known = mailbox;
        hash_put(store->mailboxes, username, mailbox);
    }
    err_t err = mongo_adopt(session, username);
    if (err == ERR_OK)
        err = count_waiting(session, mailbox);
    *out = mailbox;
    return err; /* an error makes the caller forget them all */
}

/* --- reading --- */

static err_t claim_one(mongo_session_t *session, store_claim_t *claim)
{
    const bson_t *document;
    err_t err = mongo_adopt(session, claim->username);
    if (err == ERR_OK)
        err = raise_counter(session, claim->username, "epoch", 1, &claim->epoch);
    if (err != ERR_OK)
        return err;
    mongoc_cursor_t *cursor =
        mongo_find(session->messages, waiting_filter(claim->username, 0),
                   BCON_NEW("projection", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(1)));
    claim->waiting = mongoc_cursor_next(cursor, &document);
    return mongo_cursor_end(session, cursor);
}

err_t mongo_mailbox_claim(mongo_session_t *session, store_request_t *request)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < request->count && err == ERR_OK; i++)
        err = claim_one(session, &request->claims[i]);
    return err;
}

err_t mongo_mailbox_page(mongo_session_t *session, store_request_t *request)
{
    const bson_t *document;
    mongoc_cursor_t *cursor =
        mongo_find(session->messages, waiting_filter(request->username, request->after),
                   BCON_NEW("sort", "{", "seq", BCON_INT32(1), "}", "limit",
                            BCON_INT64((int64_t)request->limit + 1), "batchSize", BCON_INT32(PAGE_FETCH)));
    while (mongoc_cursor_next(cursor, &document)) {
        if (request_page_is_full(request, request->limit)) {
            request->more = true;
            break;
        }
        message_t message;
        mongo_document_read(document, session->store->max_message_bytes, &message);
        request_add_entry(request, &message, mongo_integer(document, "seq"));
    }
    return mongo_cursor_end(session, cursor);
}

err_t mongo_mailbox_read_all(mongo_session_t *session, store_request_t *request)
{
    err_t err = mongo_adopt(session, request->username);
    return err == ERR_OK ? mongo_mailbox_page(session, request) : err;
}
