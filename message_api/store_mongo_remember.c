#include "../common/alloc.h"
#include "store_mongo.h"
#include <stdlib.h>

/* Like what mongo_bury leaves, but there never was a message. */
static bson_t *make_tombstone(const store_key_t *key, int64_t now)
{
    char id[MONGO_KEY_SIZE];
    mongo_key(key->sender, key->id, id);
    return BCON_NEW("_id", BCON_UTF8(id), "sender", BCON_UTF8(key->sender), "id", BCON_UTF8(key->id), "read",
                    BCON_BOOL(true), "is_read", BCON_BOOL(true), "acknowledged_at",
                    BCON_DATE_TIME(now / 1000));
}

static void on_duplicate(void *context, size_t index)
{
    ((store_request_t *)context)->results[index].status = STORE_DUPLICATE;
}

static err_t remember(mongo_session_t *session, store_request_t *request)
{
    bson_t reply, **documents = alloc_zero(request->count, sizeof documents[0]);
    int64_t now = timestamp_now();
    err_t err = ERR_OK;
    for (size_t i = 0; i < request->count; i++) {
        documents[i] = make_tombstone(&request->keys[i], now);
        request->results[i] = (store_result_t){STORE_STORED, ERR_OK};
    }
    bson_t *options = BCON_NEW("ordered", BCON_BOOL(false));
    if (!mongoc_collection_insert_many(session->messages, (const bson_t **)documents, request->count, options,
                                       &reply, &session->error) &&
        !mongo_only_duplicates(&reply, on_duplicate, request))
        err = mongo_err(session);
    bson_destroy(&reply);
    bson_destroy(options);
    for (size_t i = 0; i < request->count; i++)
        bson_destroy(documents[i]);
    free(documents);
    return err;
}

err_t mongo_remember(mongo_session_t *session, store_request_t **requests, size_t count)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (requests[i]->kind == REQUEST_REMEMBER)
            err = remember(session, requests[i]);
    }
    return err;
}
