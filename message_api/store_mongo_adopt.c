#include "store_mongo.h"
#include <stdio.h>

enum { ADOPT_STEP = 500 };

/* Next in line for their mailboxes are documents without our fields, oldest first. */
static mongoc_cursor_t *find_unadopted(mongo_session_t *session, const mongo_list_t *usernames)
{
    return mongo_find(session->messages,
                      BCON_NEW("destination", "{", "$in", BCON_ARRAY(&usernames->array), "}", "read", "{",
                               "$ne", BCON_BOOL(true), "}", "is_read", "{", "$ne", BCON_BOOL(true), "}",
                               "seq", "{", "$exists", BCON_BOOL(false), "}"),
                      BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(ADOPT_STEP)));
}

static void add_adoption(mongo_session_t *session, mongoc_bulk_operation_t *bulk, const bson_t *document,
                         int64_t seq)
{
    message_t message;
    mongo_document_read(document, session->store->max_message_bytes, &message);
    bson_iter_t iter;
    bson_iter_init_find(&iter, document, "_id");
    bson_t *selector =
        BCON_NEW("_id", BCON_OID(bson_iter_oid(&iter)), "seq", "{", "$exists", BCON_BOOL(false), "}");
    bson_t *update = BCON_NEW("$set", "{", "id", BCON_UTF8(message.id), "seq", BCON_INT64(seq), "bytes",
                              BCON_INT64((int64_t)message_mailbox_bytes(&message)), "read", BCON_BOOL(false),
                              "is_read", BCON_BOOL(false), "}");
    mongoc_bulk_operation_update_one_with_opts(bulk, selector, update, NULL, NULL);
    bson_destroy(selector);
    bson_destroy(update);
    message_free(&message);
}

static err_t adopt_step(mongo_session_t *session, const mongo_list_t *usernames, bool *more)
{
    bson_t *found[ADOPT_STEP];
    size_t count = 0;
    const bson_t *document;
    bson_iter_t iter;
    mongoc_cursor_t *cursor = find_unadopted(session, usernames);
    while (count < ADOPT_STEP && mongoc_cursor_next(cursor, &document)) {
        if (bson_iter_init_find(&iter, document, "_id") && BSON_ITER_HOLDS_OID(&iter))
            found[count++] = bson_copy(document);
    }
    int64_t seq;
    err_t err = mongo_cursor_end(session, cursor);
    if (err == ERR_OK && count > 0)
        err = mongo_take_seqs(session, count, &seq);
    if (err == ERR_OK && count > 0) {
        mongoc_bulk_operation_t *bulk =
            mongoc_collection_create_bulk_operation_with_opts(session->messages, NULL);
        for (size_t i = 0; i < count; i++)
            add_adoption(session, bulk, found[i], seq + (int64_t)i);
        if (mongoc_bulk_operation_execute(bulk, NULL, &session->error) == 0)
            err = mongo_err(session);
        mongoc_bulk_operation_destroy(bulk);
    }
    for (size_t i = 0; i < count; i++)
        bson_destroy(found[i]);
    *more = count == ADOPT_STEP;
    return err;
}

err_t mongo_adopt(mongo_session_t *session, const mongo_list_t *usernames)
{
    bool more = usernames->count > 0;
    err_t err = ERR_OK;
    while (more && err == ERR_OK)
        err = adopt_step(session, usernames, &more);
    return err;
}
