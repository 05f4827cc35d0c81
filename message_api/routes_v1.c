/* The suite's own calls, in batches. */
#include "answers.h"
#include "api.h"
#include "request_reader.h"
#include <stdlib.h>

/* --- POST /v1/messages --- */

static err_t write_put_result(buffer_t *json, const store_result_t *result)
{
    static const char *const names[] = {
        [STORE_STORED] = "stored", [STORE_DUPLICATE] = "duplicate", [STORE_REJECTED] = "rejected"};
    if (result->status == STORE_REJECTED)
        return buffer_appendf(json, "{\"status\":\"rejected\",\"code\":\"%s\"}", err_code(result->err));
    return buffer_appendf(json, "{\"status\":\"%s\"}", names[result->status]);
}

static err_t write_put_results(buffer_t *json, const store_result_t *results, size_t count)
{
    err_t err = buffer_append_text(json, "{\"results\":[");
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i > 0)
            err = buffer_append_char(json, ',');
        if (err == ERR_OK)
            err = write_put_result(json, &results[i]);
    }
    return err == ERR_OK ? buffer_append_text(json, "]}") : err;
}

static void on_put(void *context, err_t err, const store_result_t *results, size_t count)
{
    http_call_t *call = context;
    if (err != ERR_OK) {
        answer_error(call, err);
        return;
    }
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, write_put_results(&json, results, count));
}

void route_put_batch(http_call_t *call)
{
    api_t *api = http_call_context(call);
    cJSON *body = api_body(call);
    if (body == NULL)
        return;
    details_t details;
    details_init(&details);
    message_t *messages;
    size_t count;
    if (!request_read_messages(body, api->max_message_bytes, &messages, &count, &details)) {
        answer_details(call, &details);
    } else {
        err_t err = store_put_batch(api->store, messages, count, on_put, call);
        if (err != ERR_OK) {
            request_free_messages(messages, count);
            answer_error(call, err);
        }
    }
    cJSON_Delete(body);
}

/* --- POST /v1/claims --- */

static err_t write_claim(buffer_t *json, const store_claim_t *claim, bool first)
{
    err_t err = buffer_append_text(json, first ? "{" : ",{");
    if (err == ERR_OK)
        err = json_append_integer(json, "epoch", claim->epoch);
    return err == ERR_OK
               ? buffer_append_text(json, claim->waiting ? ",\"waiting\":true}" : ",\"waiting\":false}")
               : err;
}

static err_t write_claims(buffer_t *json, const store_claim_t *claims, size_t count)
{
    err_t err = buffer_append_text(json, "{\"results\":[");
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = write_claim(json, &claims[i], i == 0);
    return err == ERR_OK ? buffer_append_text(json, "]}") : err;
}

static void on_claimed(void *context, err_t err, const store_claim_t *claims, size_t count)
{
    http_call_t *call = context;
    if (err != ERR_OK) {
        answer_error(call, err);
        return;
    }
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, write_claims(&json, claims, count));
}

void route_claim(http_call_t *call)
{
    api_t *api = http_call_context(call);
    cJSON *body = api_body(call);
    if (body == NULL)
        return;
    details_t details;
    details_init(&details);
    store_claim_t *claims;
    size_t count;
    if (!request_read_claims(body, &claims, &count, &details)) {
        answer_details(call, &details);
    } else {
        err_t err = store_claim(api->store, claims, count, on_claimed, call);
        if (err != ERR_OK) {
            free(claims);
            answer_error(call, err);
        }
    }
    cJSON_Delete(body);
}

/* --- GET /v1/mailboxes/{username} --- */

static err_t write_entry(buffer_t *json, const store_entry_t *entry)
{
    err_t err = buffer_append_char(json, '{');
    if (err == ERR_OK)
        err = message_append_members(json, &entry->message);
    if (err == ERR_OK)
        err = json_append_integer(json, "seq", entry->seq);
    return err == ERR_OK ? buffer_append_char(json, '}') : err;
}

static err_t write_page(buffer_t *json, const store_entry_t *entries, size_t count, bool more)
{
    err_t err = buffer_append_text(json, "{\"messages\":[");
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i > 0)
            err = buffer_append_char(json, ',');
        if (err == ERR_OK)
            err = write_entry(json, &entries[i]);
    }
    return err == ERR_OK ? buffer_appendf(json, "],\"more\":%s}", more ? "true" : "false") : err;
}

static void on_page(void *context, err_t err, const store_entry_t *entries, size_t count, bool more)
{
    http_call_t *call = context;
    if (err != ERR_OK) {
        answer_error(call, err);
        return;
    }
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, write_page(&json, entries, count, more));
}

void route_read_mailbox(http_call_t *call)
{
    static const query_integer_t epoch_query = {"epoch", 1, REQUEST_WHOLE_MAX, true, 0};
    static const query_integer_t after_query = {"after", 0, REQUEST_WHOLE_MAX, false, 0};
    static const query_integer_t limit_query = {"limit", 1, STORE_MAX_PAGE, false, STORE_MAX_PAGE};
    api_t *api = http_call_context(call);
    char username[USERNAME_SIZE];
    int64_t epoch, after, limit;
    details_t details;
    details_init(&details);
    bool good = request_read_path_username(call->parameter, call->parameter_length, username, &details);
    good = request_read_query(&epoch_query, http_call_query(call, "epoch"), &epoch, &details) && good;
    good = request_read_query(&after_query, http_call_query(call, "after"), &after, &details) && good;
    good = request_read_query(&limit_query, http_call_query(call, "limit"), &limit, &details) && good;
    if (!good) {
        answer_details(call, &details);
        return;
    }
    err_t err = store_read(api->store, username, epoch, after, (size_t)limit, on_page, call);
    if (err != ERR_OK)
        answer_error(call, err);
}

/* --- POST /v1/acknowledgements --- */

static err_t write_acknowledged(buffer_t *json, const err_t *results, size_t count)
{
    err_t err = buffer_append_text(json, "{\"results\":[");
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = buffer_appendf(json, "%s{\"status\":\"%s\"}", i > 0 ? "," : "",
                             results[i] == ERR_OK ? "ok" : "stale_epoch");
    return err == ERR_OK ? buffer_append_text(json, "]}") : err;
}

static void on_acknowledged(void *context, err_t err, const err_t *results, size_t count)
{
    http_call_t *call = context;
    if (err != ERR_OK) {
        answer_error(call, err);
        return;
    }
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, write_acknowledged(&json, results, count));
}

void route_acknowledge(http_call_t *call)
{
    api_t *api = http_call_context(call);
    cJSON *body = api_body(call);
    if (body == NULL)
        return;
    details_t details;
    details_init(&details);
    store_acknowledgement_t *acknowledgements;
    size_t count;
    if (!request_read_acknowledgements(body, &acknowledgements, &count, &details)) {
        answer_details(call, &details);
    } else {
        err_t err = store_acknowledge(api->store, acknowledgements, count, on_acknowledged, call);
        if (err != ERR_OK) {
            store_acknowledgements_free(acknowledgements, count);
            answer_error(call, err);
        }
    }
    cJSON_Delete(body);
}

/* --- POST /v1/received --- */

static err_t write_duplicates(buffer_t *json, const store_result_t *results, size_t count)
{
    err_t err = buffer_append_text(json, "{\"duplicates\":[");
    bool first = true;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (results[i].status != STORE_DUPLICATE)
            continue;
        err = buffer_appendf(json, "%s%zu", first ? "" : ",", i);
        first = false;
    }
    return err == ERR_OK ? buffer_append_text(json, "]}") : err;
}

static void on_remembered(void *context, err_t err, const store_result_t *results, size_t count)
{
    http_call_t *call = context;
    if (err != ERR_OK) {
        answer_error(call, err);
        return;
    }
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, write_duplicates(&json, results, count));
}

void route_receive(http_call_t *call)
{
    api_t *api = http_call_context(call);
    cJSON *body = api_body(call);
    if (body == NULL)
        return;
    details_t details;
    details_init(&details);
    store_key_t *keys;
    size_t count;
    if (!request_read_received(body, &keys, &count, &details)) {
        answer_details(call, &details);
    } else {
        err_t err = store_remember(api->store, keys, count, on_remembered, call);
        if (err != ERR_OK) {
            free(keys);
            answer_error(call, err);
        }
    }
    cJSON_Delete(body);
}
