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

static bson_t *all_waiting_filter(const mongo_list_t *usernames)
{
    return BCON_NEW("destination", "{", "$in", BCON_ARRAY(&usernames->array), "}", "read", BCON_BOOL(false),
                    "is_read", "{", "$ne", BCON_BOOL(true), "}", "seq", "{", "$gt", BCON_INT64(0), "}");
}

static err_t count_waiting(mongo_session_t *session, const mongo_list_t *usernames)
{
    const bson_t *document;
    mongoc_cursor_t *cursor =
        mongo_find(session->messages, all_waiting_filter(usernames),
                   BCON_NEW("projection", "{", "destination", BCON_INT32(1), "bytes", BCON_INT32(1), "}"));
    while (mongoc_cursor_next(cursor, &document)) {
        mongo_mailbox_t *mailbox = hash_get(session->store->mailboxes, mongo_text(document, "destination"));
        if (mailbox == NULL)
            continue; /* an array of names, which is no mailbox's */
        mailbox->waiting_count++;
        mailbox->waiting_bytes += mongo_integer(document, "bytes");
    }
    return mongo_cursor_end(session, cursor);
}

mongo_mailbox_t *mongo_mailbox_get(mongo_store_t *store, const char *username, mongo_list_t *due)
{
    mongo_mailbox_t *mailbox = hash_get(store->mailboxes, username);
    uint64_t now = uv_hrtime();
    if (mailbox == NULL) {
        mailbox = alloc_new(mongo_mailbox_t);
        snprintf(mailbox->username, sizeof mailbox->username, "%s", username);
        mailbox->next = store->known;
        store->known = mailbox;
        hash_put(store->mailboxes, username, mailbox);
    }
    if (now >= mailbox->counted_until) {
        mailbox->waiting_count = mailbox->waiting_bytes = 0;
        mailbox->counted_until = now + COUNT_LIFE_NS;
        mongo_list_add_text(due, username);
    }
    return mailbox;
}

err_t mongo_mailboxes_count(mongo_session_t *session, const mongo_list_t *due)
{
    if (due->count == 0)
        return ERR_OK;
    err_t err = mongo_adopt(session, due);
    return err == ERR_OK ? count_waiting(session, due) : err;
}

/* --- reading --- */

/* Marks the claims of mailboxes in which something waits. */
static err_t find_waiting(mongo_session_t *session, store_request_t *request, const mongo_list_t *usernames)
{
    bson_t *filter = all_waiting_filter(usernames);
    bson_t *question = BCON_NEW("distinct", BCON_UTF8("messages"), "key", BCON_UTF8("destination"), "query",
                                BCON_DOCUMENT(filter));
    bson_t reply;
    bson_iter_t values, each;
    hash_t *waiting = hash_new();
    bool done = mongoc_client_read_command_with_opts(session->client, session->store->database, question,
                                                     NULL, NULL, &reply, &session->error);
    if (done && bson_iter_init_find(&values, &reply, "values") && bson_iter_recurse(&values, &each)) {
        while (bson_iter_next(&each)) {
            if (BSON_ITER_HOLDS_UTF8(&each))
                hash_put(waiting, bson_iter_utf8(&each, NULL), request);
        }
    }
    for (size_t i = 0; i < request->count; i++)
        request->claims[i].waiting = hash_get(waiting, request->claims[i].username) != NULL;
    bson_destroy(&reply);
    bson_destroy(question);
    bson_destroy(filter);
    hash_free(waiting);
    return done ? ERR_OK : mongo_err(session);
}

err_t mongo_mailbox_claim(mongo_session_t *session, store_request_t *request)
{
    mongo_list_t usernames;
    mongo_list_init(&usernames);
    for (size_t i = 0; i < request->count; i++)
        mongo_list_add_text(&usernames, request->claims[i].username);
    err_t err = mongo_adopt(session, &usernames);
    for (size_t i = 0; i < request->count && err == ERR_OK; i++)
        err = raise_counter(session, request->claims[i].username, "epoch", 1, &request->claims[i].epoch);
    if (err == ERR_OK)
        err = find_waiting(session, request, &usernames);
    mongo_list_free(&usernames);
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
    mongo_list_t usernames;
    mongo_list_init(&usernames);
    mongo_list_add_text(&usernames, request->username);
    err_t err = mongo_adopt(session, &usernames);
    mongo_list_free(&usernames);
    return err == ERR_OK ? mongo_mailbox_page(session, request) : err;
}
