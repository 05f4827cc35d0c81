/* The routes of the original program, for its clients. */
#include "../common/alloc.h"
#include "answers.h"
#include "api.h"
#include "request_reader.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- POST /messages --- */

typedef struct {
    http_call_t *call;
    char id[ID_SIZE];
} post_t;

static err_t write_stored(buffer_t *json, const char *id)
{
    return buffer_appendf(json, "{\"status\":\"stored\",\"id\":\"%s\"}", id);
}

static void on_stored(void *context, err_t err, const store_result_t *results, size_t count)
{
    (void)count;
    post_t *post = context;
    if (err == ERR_OK && results[0].status == STORE_REJECTED)
        err = results[0].err;
    if (err != ERR_OK) {
        answer_error(post->call, err);
    } else {
        buffer_t json;
        buffer_init(&json, 0);
        answer_json(post->call, &json, write_stored(&json, post->id));
    }
    free(post);
}

static void store_message(http_call_t *call, const message_t *message)
{
    api_t *api = http_call_context(call);
    message_t *messages = alloc_new(message_t);
    *messages = *message;
    post_t *post = alloc_new(post_t);
    post->call = call;
    strcpy(post->id, message->id);
    err_t err = store_put_batch(api->store, messages, 1, on_stored, post);
    if (err != ERR_OK) {
        request_free_messages(messages, 1);
        free(post);
        answer_error(call, err);
    }
}

void route_post_message(http_call_t *call)
{
    const api_t *api = http_call_context(call);
    cJSON *body = api_body(call);
    if (body == NULL)
        return;
    details_t details;
    details_init(&details);
    message_t message;
    if (request_read_message(body, api->max_message_bytes, &message, &details))
        store_message(call, &message);
    else
        answer_details(call, &details);
    cJSON_Delete(body);
}

/* --- GET /messages/{username} --- */

static err_t write_message(buffer_t *json, const store_entry_t *entry)
{
    err_t err = buffer_appendf(json, "{\"_id\":\"%" PRId64 "\",", entry->seq);
    if (err == ERR_OK)
        err = message_append_members(json, &entry->message);
    return err == ERR_OK ? buffer_append_char(json, '}') : err;
}

static err_t write_messages(buffer_t *json, const store_entry_t *entries, size_t count)
{
    err_t err = buffer_append_text(json, "{\"messages\":[");
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i > 0)
            err = buffer_append_char(json, ',');
        if (err == ERR_OK)
            err = write_message(json, &entries[i]);
    }
    return err == ERR_OK ? buffer_append_text(json, "]}") : err;
}

/* What a client of the original was sent, until it counts as read. */
typedef struct {
    api_t *api;
    store_acknowledgement_t *acknowledgement;
} reading_t;

static reading_t *reading_new(api_t *api, const store_entry_t *entries, size_t count)
{
    reading_t *reading = alloc_new(reading_t);
    reading->api = api;
    reading->acknowledgement = alloc_new(store_acknowledgement_t);
    reading->acknowledgement->epoch = STORE_ANY_EPOCH;
    reading->acknowledgement->count = count;
    reading->acknowledgement->keys = alloc_zero(count, sizeof(store_key_t));
    strcpy(reading->acknowledgement->username, entries[0].message.destination);
    for (size_t i = 0; i < count; i++) {
        store_key_t *key = &reading->acknowledgement->keys[i];
        strcpy(key->sender, entries[i].message.sender);
        strcpy(key->id, entries[i].message.id);
    }
    return reading;
}

/* Are they not acknowledged, they come again. */
static void on_acknowledged(void *context, err_t err, const err_t *results, size_t count)
{
    (void)context, (void)err, (void)results, (void)count;
}

/* Not before the answer is gone: who was cut off, or killed with us, finds his messages the next time. */
static void on_sent(void *context, bool sent)
{
    reading_t *reading = context;
    store_t *store = reading->api->store;
    if (!sent || store == NULL ||
        store_acknowledge(store, reading->acknowledgement, 1, on_acknowledged, NULL) != ERR_OK)
        store_acknowledgements_free(reading->acknowledgement, 1);
    free(reading);
}

static void on_messages(void *context, err_t err, const store_entry_t *entries, size_t count, bool more)
{
    (void)more;
    http_call_t *call = context;
    if (err != ERR_OK) {
        answer_error(call, err);
        return;
    }
    if (count > 0)
        http_call_on_sent(call, on_sent, reading_new(http_call_context(call), entries, count));
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, write_messages(&json, entries, count));
}

void route_get_messages(http_call_t *call)
{
    api_t *api = http_call_context(call);
    char username[USERNAME_SIZE];
    details_t details;
    details_init(&details);
    if (!request_read_path_username(call->parameter, call->parameter_length, username, &details)) {
        answer_details(call, &details);
        return;
    }
    err_t err = store_read_all(api->store, username, on_messages, call);
    if (err != ERR_OK)
        answer_error(call, err);
}
