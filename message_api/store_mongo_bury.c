#include "../common/alloc.h"
#include "store_mongo.h"
#include <stdio.h>
#include <string.h>

enum { KEYS_STEP = 128 }; /* so that no round trip takes long */

void mongo_list_add_key(mongo_list_t *list, const char *sender, const char *id)
{
    char key[MONGO_KEY_SIZE];
    bson_oid_t oid;
    mongo_key(sender, id, key);
    mongo_list_add_text(list, key);
    if (bson_oid_is_valid(id, strlen(id))) {
        bson_oid_init_from_string(&oid, id);
        mongo_list_add_oid(list, &oid);
    }
}

mongoc_cursor_t *mongo_find_waiting(mongo_session_t *session, const mongo_list_t *ids)
{
    return mongo_find(session->messages,
                      BCON_NEW("_id", "{", "$in", BCON_ARRAY(&ids->array), "}", "read", BCON_BOOL(false)),
                      BCON_NEW("projection", "{", "destination", BCON_INT32(1), "bytes", BCON_INT32(1), "}"));
}

err_t mongo_bury(mongo_session_t *session, const mongo_list_t *ids)
{
    if (ids->count == 0)
        return ERR_OK;
    bson_t *filter = BCON_NEW("_id", "{", "$in", BCON_ARRAY(&ids->array), "}", "read", BCON_BOOL(false));
    bson_t *update =
        BCON_NEW("$set", "{", "read", BCON_BOOL(true), "is_read", BCON_BOOL(true), "acknowledged_at",
                 BCON_DATE_TIME(timestamp_now() / 1000), "}", "$unset", "{", "message", BCON_BOOL(true),
                 "metadata", BCON_BOOL(true), "metadata_json", BCON_BOOL(true), "}");
    bool done = mongoc_collection_update_many(session->messages, filter, update, NULL, NULL, &session->error);
    bson_destroy(filter);
    bson_destroy(update);
    return done ? ERR_OK : mongo_err(session);
}

/* --- acknowledging --- */

/* Many requests' keys on their way to one round trip. */
typedef struct {
    mongo_list_t ids;
    hash_t *wanted; /* "mailbox _id" of all keys: what comes back has to be one of them */
} keys_t;

enum { WANTED_SIZE = USERNAME_SIZE + 1 + MONGO_KEY_SIZE };

static void keys_init(keys_t *keys)
{
    mongo_list_init(&keys->ids);
    keys->wanted = hash_new();
}

static void keys_free(keys_t *keys)
{
    mongo_list_free(&keys->ids);
    hash_free(keys->wanted);
}

static void keys_add(keys_t *keys, const char *username, const store_key_t *key)
{
    char wanted[WANTED_SIZE];
    snprintf(wanted, sizeof wanted, "%s %s:%s", username, key->sender, key->id);
    hash_put(keys->wanted, wanted, keys);
    if (bson_oid_is_valid(key->id, strlen(key->id))) {
        snprintf(wanted, sizeof wanted, "%s %s", username, key->id);
        hash_put(keys->wanted, wanted, keys);
    }
    mongo_list_add_key(&keys->ids, key->sender, key->id);
}

static bool keys_want(const keys_t *keys, const bson_t *document)
{
    char id[MONGO_KEY_SIZE] = "", wanted[WANTED_SIZE];
    bson_iter_t iter;
    if (bson_iter_init_find(&iter, document, "_id") && BSON_ITER_HOLDS_OID(&iter))
        bson_oid_to_string(bson_iter_oid(&iter), id);
    else
        snprintf(id, sizeof id, "%s", mongo_text(document, "_id"));
    snprintf(wanted, sizeof wanted, "%s %s", mongo_text(document, "destination"), id);
    return hash_get(keys->wanted, wanted) != NULL;
}

/* What is known of the mailbox is corrected; what isn't known needs no correction. */
static void discount(mongo_store_t *store, const bson_t *document)
{
    mongo_mailbox_t *mailbox = hash_get(store->mailboxes, mongo_text(document, "destination"));
    if (mailbox == NULL)
        return;
    mailbox->waiting_count--;
    mailbox->waiting_bytes -= mongo_integer(document, "bytes");
}

static err_t keys_flush(mongo_session_t *session, keys_t *keys)
{
    const bson_t *document;
    mongo_list_t found;
    if (keys->ids.count == 0)
        return ERR_OK;
    mongo_list_init(&found);
    mongoc_cursor_t *cursor = mongo_find_waiting(session, &keys->ids);
    while (mongoc_cursor_next(cursor, &document)) {
        if (!keys_want(keys, document))
            continue;
        mongo_list_add_id(&found, document);
        discount(session->store, document);
    }
    err_t err = mongo_cursor_end(session, cursor);
    if (err == ERR_OK)
        err = mongo_bury(session, &found);
    mongo_list_free(&found);
    keys_free(keys);
    keys_init(keys);
    return err;
}

/* The epochs of all mailboxes in question: one round trip. The hash's values are in `epochs`. */
static err_t find_epochs(mongo_session_t *session, store_request_t *request, hash_t *by_name, int64_t *epochs)
{
    const bson_t *document;
    mongo_list_t names;
    size_t used = 0;
    mongo_list_init(&names);
    for (size_t i = 0; i < request->count; i++) {
        if (hash_put(by_name, request->acknowledgements[i].username, &epochs[request->count]) == NULL)
            mongo_list_add_text(&names, request->acknowledgements[i].username);
    }
    mongoc_cursor_t *cursor = mongo_find(
        session->mailboxes, BCON_NEW("_id", "{", "$in", BCON_ARRAY(&names.array), "}"), bson_new());
    while (used < request->count && mongoc_cursor_next(cursor, &document)) {
        epochs[used] = mongo_integer(document, "epoch");
        hash_put(by_name, mongo_text(document, "_id"), &epochs[used++]);
    }
    mongo_list_free(&names);
    return mongo_cursor_end(session, cursor);
}

static err_t add_request(mongo_session_t *session, store_request_t *request, keys_t *keys)
{
    hash_t *by_name = hash_new();
    /* The last one stays 0: mailboxes that are not there. */
    int64_t *epochs = alloc_zero(request->count + 1, sizeof epochs[0]);
    err_t err = find_epochs(session, request, by_name, epochs);
    for (size_t i = 0; i < request->count && err == ERR_OK; i++) {
        const store_acknowledgement_t *acknowledgement = &request->acknowledgements[i];
        const int64_t *epoch = hash_get(by_name, acknowledgement->username);
        bool any = acknowledgement->epoch == STORE_ANY_EPOCH;
        bool owner = any || (*epoch != 0 && *epoch == acknowledgement->epoch);
        request->mailbox_results[i] = owner ? ERR_OK : ERR_STALE_EPOCH;
        for (size_t j = 0; j < acknowledgement->count && owner && err == ERR_OK; j++) {
            keys_add(keys, acknowledgement->username, &acknowledgement->keys[j]);
            if (keys->ids.count >= KEYS_STEP)
                err = keys_flush(session, keys);
        }
    }
    hash_free(by_name);
    free(epochs);
    return err;
}

err_t mongo_acknowledge(mongo_session_t *session, store_request_t **requests, size_t count)
{
    keys_t keys;
    err_t err = ERR_OK;
    keys_init(&keys);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (requests[i]->kind != REQUEST_ACKNOWLEDGE)
            continue;
        err = add_request(session, requests[i], &keys);
    }
    if (err == ERR_OK)
        err = keys_flush(session, &keys);
    keys_free(&keys);
    return err;
}

/* --- forgetting --- */

err_t mongo_purge_step(mongo_session_t *session, int64_t before, bool *more)
{
    const bson_t *document;
    mongo_list_t old;
    mongo_list_init(&old);
    mongoc_cursor_t *cursor = mongo_find(
        session->messages, BCON_NEW("acknowledged_at", "{", "$lt", BCON_DATE_TIME(before / 1000), "}"),
        BCON_NEW("projection", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(BACKEND_PURGE_STEP)));
    while (mongoc_cursor_next(cursor, &document))
        mongo_list_add_id(&old, document);
    err_t err = mongo_cursor_end(session, cursor);
    if (err == ERR_OK && old.count > 0) {
        bson_t *filter = BCON_NEW("_id", "{", "$in", BCON_ARRAY(&old.array), "}");
        if (!mongoc_collection_delete_many(session->messages, filter, NULL, NULL, &session->error))
            err = mongo_err(session);
        bson_destroy(filter);
    }
    *more = err == ERR_OK && old.count == BACKEND_PURGE_STEP;
    mongo_list_free(&old);
    return err;
}
