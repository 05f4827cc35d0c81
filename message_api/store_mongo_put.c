#include "../common/alloc.h"
#include "store_mongo.h"
#include <stdlib.h>
#include <string.h>

/* A message on its way in. */
typedef struct {
    const message_t *message;
    store_result_t *result;
    mongo_mailbox_t *mailbox;
    char key[MONGO_KEY_SIZE];
    char replaced_id[ID_SIZE]; /* "" = none */
    int64_t replaced_bytes;    /* -1: it does not wait in this mailbox */
    bool accepted;             /* to be inserted */
} item_t;

/* Messages that are stored with one insert. A message that replaces another one of the same run would need
 * its result first, so it begins the next run. */
typedef struct {
    mongo_session_t *session;
    item_t *items;
    size_t count;
    hash_t *keys; /* of the items; value: the first item with that key */
    bool has_replaced;
} run_t;

static int64_t item_bytes(const item_t *item)
{
    return (int64_t)message_mailbox_bytes(item->message);
}

/* --- what has to be known before --- */

static err_t find_replaced(run_t *run)
{
    if (!run->has_replaced)
        return ERR_OK;
    const bson_t *document;
    mongo_list_t ids;
    hash_t *by_key = hash_new();
    mongo_list_init(&ids);
    for (size_t i = 0; i < run->count; i++) {
        item_t *item = &run->items[i];
        if (item->replaced_id[0] == '\0')
            continue;
        char key[MONGO_KEY_SIZE];
        mongo_key(item->message->sender, item->replaced_id, key);
        if (hash_get(by_key, key) == NULL) { /* the first one takes it */
            hash_put(by_key, key, item);
            mongo_list_add_text(&ids, key);
        }
    }
    mongoc_cursor_t *cursor = mongo_find_waiting(run->session, &ids);
    while (mongoc_cursor_next(cursor, &document)) {
        item_t *item = hash_get(by_key, mongo_text(document, "_id"));
        if (item != NULL && strcmp(item->message->destination, mongo_text(document, "destination")) == 0)
            item->replaced_bytes = mongo_integer(document, "bytes");
    }
    mongo_list_free(&ids);
    hash_free(by_key);
    return mongo_cursor_end(run->session, cursor);
}

/* Would every mailbox take all of its messages, were all of them new? */
static bool all_fit(run_t *run)
{
    const mongo_store_t *store = run->session->store;
    bool fit = true;
    for (size_t i = 0; i < run->count; i++) {
        mongo_mailbox_t *mailbox = run->items[i].mailbox;
        mailbox->waiting_count++;
        mailbox->waiting_bytes += item_bytes(&run->items[i]);
        fit = fit && mailbox->waiting_count <= store->mailbox_messages &&
              mailbox->waiting_bytes <= store->mailbox_bytes;
    }
    for (size_t i = 0; i < run->count; i++) {
        run->items[i].mailbox->waiting_count--;
        run->items[i].mailbox->waiting_bytes -= item_bytes(&run->items[i]);
    }
    return fit;
}

/* Near the limit duplicates must not be taken for new, so they are asked for; else the insert will tell. */
static err_t find_known(run_t *run, hash_t *known)
{
    if (all_fit(run))
        return ERR_OK;
    const bson_t *document;
    mongo_list_t ids;
    mongo_list_init(&ids);
    for (size_t i = 0; i < run->count; i++)
        mongo_list_add_text(&ids, run->items[i].key);
    mongoc_cursor_t *cursor =
        mongo_find(run->session->messages, BCON_NEW("_id", "{", "$in", BCON_ARRAY(&ids.array), "}"),
                   BCON_NEW("projection", "{", "_id", BCON_INT32(1), "}"));
    while (mongoc_cursor_next(cursor, &document))
        hash_put(known, mongo_text(document, "_id"), run);
    mongo_list_free(&ids);
    return mongo_cursor_end(run->session, cursor);
}

/* --- deciding --- */

static void decide(run_t *run, item_t *item, hash_t *known)
{
    const mongo_store_t *store = run->session->store;
    mongo_mailbox_t *mailbox = item->mailbox;
    bool replaces = item->replaced_bytes >= 0;
    int64_t count = mailbox->waiting_count - (replaces ? 1 : 0);
    int64_t bytes = mailbox->waiting_bytes - (replaces ? item->replaced_bytes : 0);
    if (hash_get(known, item->key) != NULL) {
        *item->result = (store_result_t){STORE_DUPLICATE, ERR_OK};
    } else if (count + 1 > store->mailbox_messages || bytes + item_bytes(item) > store->mailbox_bytes) {
        *item->result = (store_result_t){STORE_REJECTED, ERR_MAILBOX_FULL};
        item->replaced_bytes = -1;
        return;
    } else {
        *item->result = (store_result_t){STORE_STORED, ERR_OK};
        item->accepted = true;
        hash_put(known, item->key, run);
        count++;
        bytes += item_bytes(item);
    }
    mailbox->waiting_count = count;
    mailbox->waiting_bytes = bytes;
}

/* --- doing --- */

static void note_duplicate(void *context, size_t index)
{
    item_t *item = ((item_t **)context)[index];
    item->result->status = STORE_DUPLICATE;
    item->mailbox->waiting_count--;
    item->mailbox->waiting_bytes -= item_bytes(item);
}

bool mongo_only_duplicates(const bson_t *reply, void (*on_duplicate)(void *context, size_t index),
                           void *context)
{
    bson_iter_t errors, each, field;
    if (!bson_iter_init_find(&errors, reply, "writeErrors") || !bson_iter_recurse(&errors, &each))
        return false;
    if (bson_iter_init_find(&field, reply, "writeConcernErrors"))
        return false;
    while (bson_iter_next(&each)) {
        if (!bson_iter_recurse(&each, &field) || !bson_iter_find(&field, "code") ||
            bson_iter_as_int64(&field) != MONGO_CODE_DUPLICATE)
            return false;
        if (!bson_iter_recurse(&each, &field) || !bson_iter_find(&field, "index"))
            return false;
        on_duplicate(context, (size_t)bson_iter_as_int64(&field));
    }
    return true;
}

static err_t insert(run_t *run)
{
    item_t **items = alloc_zero(run->count, sizeof items[0]);
    bson_t **documents = alloc_zero(run->count, sizeof documents[0]);
    size_t count = 0;
    int64_t seq = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->items[i].accepted)
            items[count++] = &run->items[i];
    }
    err_t err = count > 0 ? mongo_take_seqs(run->session, count, &seq) : ERR_OK;
    if (err == ERR_OK && count > 0) {
        bson_t reply;
        for (size_t i = 0; i < count; i++) {
            documents[i] = bson_new();
            mongo_document_write(items[i]->message, seq + (int64_t)i, documents[i]);
        }
        bson_t *options = BCON_NEW("ordered", BCON_BOOL(false));
        if (!mongoc_collection_insert_many(run->session->messages, (const bson_t **)documents, count, options,
                                           &reply, &run->session->error) &&
            !mongo_only_duplicates(&reply, note_duplicate, items))
            err = mongo_err(run->session);
        bson_destroy(&reply);
        bson_destroy(options);
        for (size_t i = 0; i < count; i++)
            bson_destroy(documents[i]);
    }
    free(items);
    free(documents);
    return err;
}

/* After the insert, also for what was there already: the first attempt may have ended in between. */
static err_t bury_replaced(run_t *run)
{
    mongo_list_t ids;
    char key[MONGO_KEY_SIZE];
    mongo_list_init(&ids);
    for (size_t i = 0; i < run->count; i++) {
        const item_t *item = &run->items[i];
        if (item->replaced_bytes < 0)
            continue;
        mongo_key(item->message->sender, item->replaced_id, key);
        mongo_list_add_text(&ids, key);
    }
    err_t err = mongo_bury(run->session, &ids);
    mongo_list_free(&ids);
    return err;
}

static err_t load_mailboxes(run_t *run)
{
    mongo_list_t due;
    mongo_list_init(&due);
    for (size_t i = 0; i < run->count; i++) {
        item_t *item = &run->items[i];
        item->mailbox = mongo_mailbox_get(run->session->store, item->message->destination, &due);
    }
    err_t err = mongo_mailboxes_count(run->session, &due);
    mongo_list_free(&due);
    return err;
}

static err_t run_flush(run_t *run)
{
    if (run->count == 0)
        return ERR_OK;
    hash_t *known = hash_new();
    err_t err = load_mailboxes(run);
    if (err == ERR_OK)
        err = find_replaced(run);
    if (err == ERR_OK)
        err = find_known(run, known);
    for (size_t i = 0; i < run->count && err == ERR_OK; i++)
        decide(run, &run->items[i], known);
    if (err == ERR_OK)
        err = insert(run);
    if (err == ERR_OK)
        err = bury_replaced(run);
    hash_free(known);
    return err;
}

static void run_init(run_t *run)
{
    run->count = 0;
    run->has_replaced = false;
    run->keys = hash_new();
}

static err_t run_add(run_t *run, const message_t *message, store_result_t *result)
{
    item_t item = {.message = message, .result = result, .replaced_bytes = -1};
    err_t err = ERR_OK;
    mongo_key(message->sender, message->id, item.key);
    if (message_replaces(message, item.replaced_id)) {
        char replaced[MONGO_KEY_SIZE];
        mongo_key(message->sender, item.replaced_id, replaced);
        if (hash_get(run->keys, replaced) != NULL) {
            err = run_flush(run);
            hash_free(run->keys);
            run_init(run);
        }
        run->has_replaced = true;
    }
    hash_put(run->keys, item.key, run);
    run->items[run->count++] = item;
    return err;
}

err_t mongo_put(mongo_session_t *session, store_request_t **requests, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += requests[i]->kind == REQUEST_PUT ? requests[i]->count : 0;
    run_t run = {.session = session, .items = alloc_zero(total, sizeof(item_t))};
    err_t err = ERR_OK;
    run_init(&run);
    for (size_t i = 0; i < count; i++) {
        const store_request_t *request = requests[i];
        for (size_t j = 0; request->kind == REQUEST_PUT && j < request->count && err == ERR_OK; j++)
            err = run_add(&run, &request->messages[j], &request->results[j]);
    }
    if (err == ERR_OK)
        err = run_flush(&run);
    hash_free(run.keys);
    free(run.items);
    return err;
}
