#include "store_codec.h"
#include "../common/alloc.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What an older version or the original has left in a mailbox may be longer than what is accepted now. */
enum { LARGEST_STORED = 16 * 1024 * 1024 };

err_t store_write_put(buffer_t *out, delivery_t *const *batch, size_t count)
{
    err_t err = buffer_append_text(out, "{\"messages\":[");

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i > 0)
            err = buffer_append_char(out, ',');
        if (err == ERR_OK)
            err = message_append_json(out, &batch[i]->message);
    }
    return err == ERR_OK ? buffer_append_text(out, "]}") : err;
}

static const cJSON *array_of(const cJSON *object, const char *name)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsArray(array) ? array : NULL;
}

static bool read_put_result(const cJSON *item, store_put_result_t *result)
{
    static const char *const names[] = {
        [STORE_PUT_STORED] = "stored", [STORE_PUT_DUPLICATE] = "duplicate", [STORE_PUT_REFUSED] = "rejected"};
    const char *status = json_string(item, "status");

    for (int i = 0; status && i < 3; i++) {
        if (strcmp(status, names[i]) != 0)
            continue;
        const char *code = json_string(item, "code");
        result->status = (store_put_t)i;
        result->refusal = i == STORE_PUT_REFUSED ? (code ? err_from_code(code) : ERR_IO) : ERR_OK;
        return true;
    }
    return false;
}

bool store_read_put(const char *body, size_t length, store_put_result_t *results, size_t count)
{
    cJSON *json = json_parse(body, length);
    const cJSON *array = array_of(json, "results");
    size_t read = 0;

    for (const cJSON *item = array ? array->child : NULL; item && read < count; item = item->next) {
        if (!read_put_result(item, &results[read]))
            break;
        read++;
    }
    cJSON_Delete(json);
    return read == count;
}

err_t store_write_claims(buffer_t *out, const char *const *usernames, size_t count)
{
    err_t err = buffer_append_text(out, "{\"usernames\":[");

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i > 0)
            err = buffer_append_char(out, ',');
        if (err == ERR_OK)
            err = json_append_string(out, usernames[i], strlen(usernames[i]));
    }
    return err == ERR_OK ? buffer_append_text(out, "]}") : err;
}

bool store_read_claims(const char *body, size_t length, store_claimed_t *results, size_t count)
{
    cJSON *json = json_parse(body, length);
    const cJSON *array = array_of(json, "results");
    size_t read = 0;

    for (const cJSON *item = array ? array->child : NULL; item && read < count; item = item->next) {
        if (!json_integer(item, "epoch", &results[read].epoch) || results[read].epoch <= 0)
            break;
        results[read++].waiting = json_bool(item, "waiting", true);
    }
    cJSON_Delete(json);
    return read == count;
}

static err_t append_percent(buffer_t *out, const char *text)
{
    err_t err = ERR_OK;

    for (; *text && err == ERR_OK; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-_.~", c) != NULL;
        err = plain ? buffer_append_char(out, *text) : buffer_appendf(out, "%%%02X", c);
    }
    return err;
}

err_t store_write_page_path(buffer_t *out, const char *username, int64_t epoch, int64_t after, int limit)
{
    err_t err = buffer_append_text(out, "/v1/mailboxes/");

    /* A path of dots alone would be taken for a folder. */
    bool dots = username[strspn(username, ".")] == '\0';
    if (err == ERR_OK && dots) {
        for (size_t i = 0; username[i] && err == ERR_OK; i++)
            err = buffer_append_text(out, "%2E");
    } else if (err == ERR_OK) {
        err = append_percent(out, username);
    }
    if (err == ERR_OK)
        err = buffer_appendf(out, "?epoch=%" PRId64 "&after=%" PRId64 "&limit=%d", epoch, after, limit);
    return err;
}

bool store_read_page(const char *body, size_t length, store_page_t *page)
{
    cJSON *json = json_parse(body, length);
    const cJSON *array = array_of(json, "messages");

    memset(page, 0, sizeof *page);
    if (!array) {
        cJSON_Delete(json);
        return false;
    }
    page->more = json_bool(json, "more", false);
    page->entries = alloc_zero((size_t)cJSON_GetArraySize(array) + 1, sizeof(store_entry_t));
    err_t err = ERR_OK;
    for (const cJSON *item = array->child; item && err != ERR_NO_MEMORY; item = item->next) {
        store_entry_t *entry = &page->entries[page->count];
        if (!json_integer(item, "seq", &entry->seq))
            continue;
        page->last_seq = entry->seq;
        err = message_from_json(item, MESSAGE_FROM_PEER, LARGEST_STORED, &entry->message, NULL);
        if (err == ERR_OK)
            page->count++;
        else
            page->unreadable++;
    }
    cJSON_Delete(json);
    return err != ERR_NO_MEMORY; /* who could not be read for that is read again */
}

void store_page_free(store_page_t *page)
{
    for (size_t i = 0; i < page->count; i++)
        message_free(&page->entries[i].message);
    free(page->entries);
    memset(page, 0, sizeof *page);
}

err_t store_write_key(buffer_t *out, const message_t *message)
{
    err_t err = buffer_append_text(out, out->length > 0 ? ",{" : "{");

    if (err == ERR_OK)
        err = json_append_member(out, "sender", message->sender);
    if (err == ERR_OK)
        err = json_append_member(out, "id", message->id);
    return err == ERR_OK ? buffer_append_char(out, '}') : err;
}

err_t store_write_acknowledgement(buffer_t *out, const char *username, int64_t epoch, const char *keys)
{
    bool first = out->length > 0 && out->data[out->length - 1] == '[';
    err_t err = buffer_append_text(out, first ? "{" : ",{");

    if (err == ERR_OK)
        err = json_append_member(out, "username", username);
    if (err == ERR_OK)
        err = json_append_integer(out, "epoch", epoch);
    return err == ERR_OK ? buffer_appendf(out, ",\"keys\":[%s]}", keys) : err;
}

bool store_read_acknowledged(const char *body, size_t length, bool *stale, size_t count)
{
    cJSON *json = json_parse(body, length);
    const cJSON *array = array_of(json, "results");
    size_t read = 0;

    for (const cJSON *item = array ? array->child : NULL; item && read < count; item = item->next) {
        const char *status = json_string(item, "status");
        if (!status)
            break;
        stale[read++] = strcmp(status, "stale_epoch") == 0;
    }
    cJSON_Delete(json);
    return read == count;
}

static bool is_same_sender(const store_received_t *received, const message_t *message)
{
    return received->sender && received->ids < STORE_RECEIVED_IDS &&
           strcmp(received->sender, message->sender) == 0;
}

bool store_received_fits(const store_received_t *received, const message_t *message)
{
    return received->senders < STORE_RECEIVED_SENDERS || is_same_sender(received, message);
}

err_t store_write_received(buffer_t *out, store_received_t *received, const message_t *message)
{
    bool same = is_same_sender(received, message);
    err_t err = ERR_OK;

    if (!same) {
        err = buffer_append_text(out, received->sender ? "]},{" : "{\"received\":[{");
        if (err == ERR_OK)
            err = json_append_member(out, "sender", message->sender);
        if (err == ERR_OK)
            err = buffer_append_text(out, ",\"ids\":[");
        received->sender = message->sender;
        received->ids = 0;
        received->senders++;
    }
    received->ids++;
    if (err == ERR_OK)
        err = buffer_append_text(out, same ? ",\"" : "\"");
    if (err == ERR_OK)
        err = buffer_append_text(out, message->id); /* has nothing to escape */
    return err == ERR_OK ? buffer_append_char(out, '"') : err;
}

err_t store_end_received(buffer_t *out)
{
    return buffer_append_text(out, "]}]}");
}

bool store_read_duplicates(const char *body, size_t length, bool *duplicate, size_t count)
{
    cJSON *json = json_parse(body, length);
    const cJSON *array = array_of(json, "duplicates");
    bool good = array != NULL;

    memset(duplicate, 0, count * sizeof *duplicate);
    for (const cJSON *item = array ? array->child : NULL; item && good; item = item->next) {
        good = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < (double)count;
        if (good)
            duplicate[(size_t)item->valuedouble] = true;
    }
    cJSON_Delete(json);
    return good;
}

err_t store_read_error(const char *body, size_t length)
{
    cJSON *json = json_parse(body, length);
    const char *code = json ? json_string(json, "code") : NULL;
    err_t err = code ? err_from_code(code) : ERR_IO;

    cJSON_Delete(json);
    return err;
}
