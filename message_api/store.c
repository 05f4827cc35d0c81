#include "store.h"
#include "../common/alloc.h"
#include "store_queue.h"
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_QUEUE_REQUESTS = 4096,
    DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024,
    DEFAULT_DEADLINE_MS = 10000,
    READ_COST = 8 * 1024, /* what a page is taken for in the queue's bytes before it is known */
};

struct store {
    store_queue_t *queue;
    const store_backend_t *backend;
    store_closed_cb closed;
    void *closed_context;
};

err_t store_open(uv_loop_t *loop, const store_config_t *config, const log_t *log, store_t **out)
{
    bool is_mongo = config->mongo_url != NULL && config->mongo_url[0] != '\0';
    const store_backend_t *backend = is_mongo ? &store_mongo_backend : &store_sqlite_backend;
    store_queue_limits_t limits = {
        .requests = config->queue_requests != 0 ? config->queue_requests : DEFAULT_QUEUE_REQUESTS,
        .bytes = config->queue_bytes != 0 ? config->queue_bytes : DEFAULT_QUEUE_BYTES,
        .deadline_ms = config->deadline_ms != 0 ? config->deadline_ms : DEFAULT_DEADLINE_MS,
    };
    void *state;
    err_t err = backend->open(config, log, &state);
    if (err != ERR_OK)
        return err;
    store_queue_t *queue;
    err = store_queue_open(loop, backend, state, &limits, &queue);
    if (err != ERR_OK) {
        backend->close(state);
        return err;
    }
    store_t *store = alloc_new(store_t);
    store->queue = queue;
    store->backend = backend;
    *out = store;
    return ERR_OK;
}

static void on_queue_closed(void *context, bool clean)
{
    store_t *store = context;
    store_closed_cb closed = store->closed;
    void *closed_context = store->closed_context;
    free(store);
    if (closed != NULL)
        closed(closed_context, clean);
}

void store_close(store_t *store, store_closed_cb closed, void *context)
{
    store->closed = closed;
    store->closed_context = context;
    store_queue_close(store->queue, on_queue_closed, store);
}

const char *store_kind(const store_t *store)
{
    return store->backend->name;
}

/* Hands the request to the threads, or frees it without what the caller keeps. */
static err_t submit(store_t *store, store_request_t *request, size_t bytes)
{
    request->bytes = sizeof *request + bytes;
    err_t err = store_queue_submit(store->queue, request);
    if (err != ERR_OK) {
        request->messages = NULL;
        request->claims = NULL;
        request->keys = NULL;
        request->acknowledgements = NULL;
        request_free(request);
    }
    return err;
}

static store_request_t *mailbox_request(request_kind_t kind, const char *username, void *context)
{
    store_request_t *request = request_new(kind, context);
    strncpy(request->username, username, sizeof request->username - 1);
    return request;
}

err_t store_put_batch(store_t *store, message_t *messages, size_t count, store_put_cb callback, void *context)
{
    store_request_t *request = request_new(REQUEST_PUT, context);
    request->callback.put = callback;
    request->messages = messages;
    request->count = count;
    request->results = alloc_zero(count, sizeof request->results[0]);
    size_t bytes = count * (sizeof(message_t) + sizeof(store_result_t));
    for (size_t i = 0; i < count; i++)
        bytes += message_mailbox_bytes(&messages[i]);
    return submit(store, request, bytes);
}

err_t store_claim(store_t *store, store_claim_t *claims, size_t count, store_claim_cb callback, void *context)
{
    store_request_t *request = request_new(REQUEST_CLAIM, context);
    request->callback.claim = callback;
    request->claims = claims;
    request->count = count;
    return submit(store, request, count * sizeof(store_claim_t));
}

err_t store_read(store_t *store, const char *username, int64_t epoch, int64_t after, size_t limit,
                 store_page_cb callback, void *context)
{
    store_request_t *request = mailbox_request(REQUEST_READ, username, context);
    request->callback.page = callback;
    request->epoch = epoch;
    request->after = after;
    request->limit = limit < STORE_MAX_PAGE ? limit : STORE_MAX_PAGE;
    return submit(store, request, READ_COST);
}

err_t store_read_all(store_t *store, const char *username, store_page_cb callback, void *context)
{
    store_request_t *request = mailbox_request(REQUEST_READ_ALL, username, context);
    request->callback.page = callback;
    request->limit = STORE_MAX_READ_ALL;
    return submit(store, request, READ_COST);
}

err_t store_acknowledge(store_t *store, store_acknowledgement_t *acknowledgements, size_t count,
                        store_acknowledge_cb callback, void *context)
{
    store_request_t *request = request_new(REQUEST_ACKNOWLEDGE, context);
    request->callback.acknowledge = callback;
    request->acknowledgements = acknowledgements;
    request->count = count;
    request->mailbox_results = alloc_zero(count, sizeof request->mailbox_results[0]);
    size_t bytes = count * sizeof(store_acknowledgement_t);
    for (size_t i = 0; i < count; i++)
        bytes += acknowledgements[i].count * sizeof(store_key_t);
    return submit(store, request, bytes);
}

err_t store_remember(store_t *store, store_key_t *keys, size_t count, store_put_cb callback, void *context)
{
    store_request_t *request = request_new(REQUEST_REMEMBER, context);
    request->callback.put = callback;
    request->keys = keys;
    request->count = count;
    request->results = alloc_zero(count, sizeof request->results[0]);
    return submit(store, request, count * (sizeof(store_key_t) + sizeof(store_result_t)));
}

err_t store_health(store_t *store, store_health_cb callback, void *context)
{
    store_request_t *request = request_new(REQUEST_HEALTH, context);
    request->callback.health = callback;
    return submit(store, request, 0);
}
