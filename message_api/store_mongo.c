#include "store_mongo.h"
#include "../common/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS = 2000,
    ANSWER_MS = 5000,
    MAX_KNOWN = 10000,
    CODE_UNKNOWN_COMMAND = 59,
    CODE_NOT_IMPLEMENTED = 238
};

/* --- failures --- */

err_t mongo_err(const mongo_session_t *session)
{
    return session->error.code == MONGO_CODE_DISK_FULL ? ERR_DISK_FULL : ERR_STORE_UNAVAILABLE;
}

/* Said once when it begins and once when it is over, not with every batch. */
static void note(mongo_session_t *session, err_t err)
{
    mongo_store_t *store = session->store;
    if (err != ERR_OK)
        reason_set(store->reason, session->error.message);
    if (err != ERR_OK && store->failing != err)
        log_error(store->log, "store_failed", "error=%s reason=%s", err_code(err), store->reason);
    else if (err == ERR_OK && store->failing != ERR_OK)
        log_info(store->log, "store_recovered", "after=%s", err_code(store->failing));
    store->failing = err;
}

/* --- sessions --- */

static void session_begin(mongo_store_t *store, mongo_session_t *session)
{
    *session = (mongo_session_t){.store = store};
    session->client = mongoc_client_pool_pop(store->pool);
    session->messages = mongoc_client_get_collection(session->client, store->database, "messages");
    session->mailboxes = mongoc_client_get_collection(session->client, store->database, "mailboxes");
}

static void session_end(mongo_session_t *session)
{
    mongoc_collection_destroy(session->messages);
    mongoc_collection_destroy(session->mailboxes);
    mongoc_client_pool_push(session->store->pool, session->client);
}

static bool command(mongo_session_t *session, bson_t *command_document)
{
    bool done = mongoc_client_write_command_with_opts(session->client, session->store->database,
                                                      command_document, NULL, NULL, &session->error);
    bson_destroy(command_document);
    return done;
}

static err_t make_index(mongo_session_t *session, const char *name, bson_t *key)
{
    bson_t *indexes = BCON_NEW("createIndexes", BCON_UTF8("messages"), "indexes", "[", "{", "name",
                               BCON_UTF8(name), "key", BCON_DOCUMENT(key), "}", "]");
    bson_destroy(key);
    if (command(session, indexes))
        return ERR_OK;
    if (session->error.code != CODE_UNKNOWN_COMMAND && session->error.code != CODE_NOT_IMPLEMENTED)
        return mongo_err(session);
    log_warning(session->store->log, "store_without_index", "index=%s reason=%s", name,
                session->error.message);
    return ERR_OK;
}

/* Indexes, as soon as there is a server. One that has none (a stand-in for tests) does without. */
static err_t prepare(mongo_session_t *session)
{
    if (session->store->ready)
        return ERR_OK;
    err_t err =
        make_index(session, "waiting",
                   BCON_NEW("destination", BCON_INT32(1), "read", BCON_INT32(1), "seq", BCON_INT32(1)));
    if (err == ERR_OK)
        err = make_index(session, "acknowledged", BCON_NEW("acknowledged_at", BCON_INT32(1)));
    session->store->ready = err == ERR_OK;
    return err;
}

/* --- the phases of a batch --- */

static err_t claim_all(mongo_session_t *session, store_request_t **requests, size_t count)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (requests[i]->kind == REQUEST_CLAIM)
            err = mongo_mailbox_claim(session, requests[i]);
    }
    return err;
}

static err_t read_all(mongo_session_t *session, store_request_t **requests, size_t count)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (requests[i]->kind == REQUEST_READ_ALL)
            err = mongo_mailbox_read_all(session, requests[i]);
    }
    return err;
}

typedef err_t (*phase_t)(mongo_session_t *, store_request_t **, size_t);

static const phase_t PHASES[] = {
    [REQUEST_PUT] = mongo_put,
    [REQUEST_REMEMBER] = mongo_remember,
    [REQUEST_ACKNOWLEDGE] = mongo_acknowledge,
    [REQUEST_CLAIM] = claim_all,
    [REQUEST_READ_ALL] = read_all,
};

/* How many there are of the kind; all get err. */
static size_t set_err(store_request_t **requests, size_t count, request_kind_t kind, err_t err)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (requests[i]->kind != kind)
            continue;
        requests[i]->err = err;
        found++;
    }
    return found;
}

/* Without a server each phase would wait for it again; a full disk may still take acknowledgements. */
static bool goes_on(err_t err)
{
    return err == ERR_OK || err == ERR_DISK_FULL;
}

/* All phases that have requests, or none of them when err says so already. */
static err_t do_writes(mongo_session_t *session, store_request_t **requests, size_t count, err_t err)
{
    size_t found = 0;
    for (request_kind_t kind = REQUEST_PUT; kind <= REQUEST_READ_ALL; kind++) {
        size_t of_kind = set_err(requests, count, kind, err);
        found += of_kind;
        if (of_kind == 0 || !goes_on(err))
            continue;
        err_t phase_err = PHASES[kind](session, requests, count);
        set_err(requests, count, kind, phase_err);
        if (phase_err != ERR_OK) {
            err = phase_err;
            mongo_mailboxes_forget(session->store);
        }
    }
    if (found > 0 || err != ERR_OK)
        note(session, err);
    return err;
}

/* --- health --- */

/* A write, so that a database that can only be read is not called healthy. */
static err_t probe(mongo_session_t *session)
{
    bson_t *update =
        BCON_NEW("update", BCON_UTF8("mailboxes"), "updates", "[", "{", "q", "{", "_id", BCON_UTF8(":probe"),
                 "}", "u", "{", "$set", "{", "at", BCON_DATE_TIME(timestamp_now() / 1000), "}", "}", "upsert",
                 BCON_BOOL(true), "}", "]");
    return command(session, update) ? ERR_OK : mongo_err(session);
}

static err_t ping(mongo_session_t *session)
{
    bson_t *question = BCON_NEW("ping", BCON_INT32(1));
    bool answered = mongoc_client_command_simple(session->client, session->store->database, question, NULL,
                                                 NULL, &session->error);
    bson_destroy(question);
    return answered ? ERR_OK : mongo_err(session);
}

/* err: what the writes of the same batch met with. */
static void check_health(mongo_session_t *session, store_request_t **requests, size_t count, err_t err)
{
    mongo_store_t *store = session->store;
    if (set_err(requests, count, REQUEST_HEALTH, err) == 0)
        return;
    if (goes_on(err)) {
        err = store->failing != ERR_OK ? probe(session) : ping(session);
        note(session, err);
        set_err(requests, count, REQUEST_HEALTH, err);
    }
    for (size_t i = 0; i < count && err != ERR_OK; i++)
        reason_set(requests[i]->reason, store->reason);
}

/* --- the backend --- */

static void mongo_write(void *state, store_request_t **requests, size_t count)
{
    mongo_store_t *store = state;
    mongo_session_t session;
    session_begin(store, &session);
    if (hash_count(store->mailboxes) > MAX_KNOWN)
        mongo_mailboxes_forget(store);
    err_t err = prepare(&session);
    err = do_writes(&session, requests, count, err);
    check_health(&session, requests, count, err);
    session_end(&session);
}

static void mongo_read(void *state, unsigned reader, store_request_t *request)
{
    (void)reader;
    mongo_session_t session;
    int64_t epoch;
    session_begin(state, &session);
    request->err = mongo_mailbox_epoch(&session, request->username, &epoch);
    if (request->err == ERR_OK && (epoch == 0 || epoch != request->epoch))
        request->err = ERR_STALE_EPOCH;
    else if (request->err == ERR_OK)
        request->err = mongo_mailbox_page(&session, request);
    if (request->err != ERR_OK)
        request_drop_entries(request);
    session_end(&session);
}

static bool mongo_purge(void *state, int64_t before)
{
    mongo_session_t session;
    bool more = false;
    session_begin(state, &session);
    err_t err = prepare(&session);
    if (err == ERR_OK)
        err = mongo_purge_step(&session, before, &more);
    if (err != ERR_OK)
        note(&session, err);
    session_end(&session);
    return more;
}

/* The library's own messages, which have no password in them. */
static void on_library_log(mongoc_log_level_t level, const char *domain, const char *message, void *context)
{
    if (level <= MONGOC_LOG_LEVEL_WARNING)
        log_warning(context, "mongo_library", "domain=%s message=%s", domain, message);
}

static void mongo_close(void *state)
{
    mongo_store_t *store = state;
    mongo_mailboxes_forget(store);
    mongoc_client_pool_destroy(store->pool);
    mongoc_log_set_handler(NULL, NULL);
    hash_free(store->mailboxes);
    free(store->database);
    free(store);
}

static bool set_options(mongoc_uri_t *uri)
{
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(concern, ANSWER_MS);
    mongoc_write_concern_set_journal(concern, true);
    mongoc_uri_set_write_concern(uri, concern);
    mongoc_write_concern_destroy(concern);
    return mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, TIMEOUT_MS) &&
           mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, TIMEOUT_MS) &&
           mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, ANSWER_MS);
}

static err_t mongo_open(const store_config_t *config, const log_t *log, void **state)
{
    bson_error_t error = {.message = "the URL is not one of MongoDB"};
    mongoc_client_pool_t *pool = NULL;
    mongoc_init();
    mongoc_log_set_handler(on_library_log, (void *)log);
    mongoc_uri_t *uri = mongoc_uri_new_with_error(config->mongo_url, &error);
    if (uri != NULL && set_options(uri))
        pool = mongoc_client_pool_new_with_error(uri, &error);
    if (pool == NULL) {
        log_error(log, "store_open_failed", "reason=%s", error.message);
        mongoc_log_set_handler(NULL, NULL);
        mongoc_uri_destroy(uri);
        return ERR_INVALID_SETTING;
    }
    mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2);
    mongo_store_t *store = alloc_new(mongo_store_t);
    const char *database = mongoc_uri_get_database(uri);
    store->log = log;
    store->pool = pool;
    store->database = alloc_string(database != NULL && database[0] != '\0' ? database : "messaging_db");
    store->mailbox_messages = (int64_t)config->mailbox_messages;
    store->mailbox_bytes = (int64_t)config->mailbox_bytes;
    store->max_message_bytes = config->max_message_bytes;
    store->mailboxes = hash_new();
    mongoc_uri_destroy(uri);
    *state = store;
    return ERR_OK;
}

const store_backend_t store_mongo_backend = {
    .name = "MongoDB",
    .open = mongo_open,
    .write = mongo_write,
    .read = mongo_read,
    .purge = mongo_purge,
    .close = mongo_close,
};
