#include "store_mongo.h"
#include "stored_fields.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the original let through what is no username. */
static const char UNKNOWN_SENDER[] = "unknown";

void mongo_key(const char *sender, const char *id, char key[MONGO_KEY_SIZE])
{
    snprintf(key, MONGO_KEY_SIZE, "%s:%s", sender, id);
}

const char *mongo_text(const bson_t *document, const char *name)
{
    bson_iter_t iter;
    if (!bson_iter_init_find(&iter, document, name) || !BSON_ITER_HOLDS_UTF8(&iter))
        return "";
    return bson_iter_utf8(&iter, NULL);
}

int64_t mongo_integer(const bson_t *document, const char *name)
{
    bson_iter_t iter;
    return bson_iter_init_find(&iter, document, name) && BSON_ITER_HOLDS_NUMBER(&iter)
               ? bson_iter_as_int64(&iter)
               : 0;
}

/* --- lists --- */

void mongo_list_init(mongo_list_t *list)
{
    bson_init(&list->array);
    list->count = 0;
}

void mongo_list_free(mongo_list_t *list)
{
    bson_destroy(&list->array);
}

void mongo_list_add_text(mongo_list_t *list, const char *text)
{
    char number[16];
    const char *name;
    size_t length = bson_uint32_to_string(list->count++, &name, number, sizeof number);
    bson_append_utf8(&list->array, name, (int)length, text, -1);
}

void mongo_list_add_oid(mongo_list_t *list, const bson_oid_t *oid)
{
    char number[16];
    const char *name;
    size_t length = bson_uint32_to_string(list->count++, &name, number, sizeof number);
    bson_append_oid(&list->array, name, (int)length, oid);
}

void mongo_list_add_id(mongo_list_t *list, const bson_t *document)
{
    bson_iter_t iter;
    if (!bson_iter_init_find(&iter, document, "_id"))
        return;
    if (BSON_ITER_HOLDS_OID(&iter))
        mongo_list_add_oid(list, bson_iter_oid(&iter));
    else if (BSON_ITER_HOLDS_UTF8(&iter))
        mongo_list_add_text(list, bson_iter_utf8(&iter, NULL));
}

/* --- writing --- */

/* Can it be embedded? Not with names that MongoDB, or the reader of its JSON, takes for something else, nor with
 * arrays in arrays and numbers that some servers refuse: then a whole batch would be refused for it. */
static bool is_plain(const cJSON *item)
{
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        const char *name = child->string;
        if (name != NULL && (name[0] == '$' || name[0] == '\0' || strchr(name, '.') != NULL))
            return false;
        if (cJSON_IsArray(item) && cJSON_IsArray(child))
            return false;
        if (cJSON_IsNumber(child) &&
            (!isfinite(child->valuedouble) || (child->valuedouble == 0 && signbit(child->valuedouble) != 0)))
            return false;
        if (!is_plain(child))
            return false;
    }
    return true;
}

/* The embedded document is for the original's readers, and people; where it can't be, they get an empty one.
 * We read the text. */
static void write_metadata(const message_t *message, bson_t *out)
{
    bson_t *embedded = NULL;
    if (message->metadata_length > 2) {
        cJSON *parsed = json_parse(message->metadata, message->metadata_length);
        bson_error_t error;
        if (parsed != NULL && is_plain(parsed))
            embedded = bson_new_from_json((const uint8_t *)message->metadata,
                                          (ssize_t)message->metadata_length, &error);
        cJSON_Delete(parsed);
        BSON_APPEND_UTF8(out, "metadata_json", message->metadata);
    }
    if (embedded == NULL)
        embedded = bson_new();
    BSON_APPEND_DOCUMENT(out, "metadata", embedded);
    bson_destroy(embedded);
}

void mongo_document_write(const message_t *message, int64_t seq, bson_t *out)
{
    char key[MONGO_KEY_SIZE];
    mongo_key(message->sender, message->id, key);
    BSON_APPEND_UTF8(out, "_id", key);
    BSON_APPEND_UTF8(out, "sender", message->sender);
    BSON_APPEND_UTF8(out, "destination", message->destination);
    bson_append_utf8(out, "message", -1, message->text, (int)message->text_length);
    BSON_APPEND_UTF8(out, "timestamp", message->timestamp);
    BSON_APPEND_UTF8(out, "type", message_type_name(message->type));
    write_metadata(message, out);
    BSON_APPEND_BOOL(out, "read", false);
    BSON_APPEND_BOOL(out, "is_read", false);
    BSON_APPEND_UTF8(out, "id", message->id);
    BSON_APPEND_INT64(out, "seq", seq);
    BSON_APPEND_INT64(out, "bytes", (int64_t)message_mailbox_bytes(message));
}

/* --- reading --- */

static void read_timestamp(const bson_t *document, char out[TIMESTAMP_SIZE])
{
    int64_t microseconds = 0;
    bson_iter_t iter;
    if (bson_iter_init_find(&iter, document, "timestamp") && BSON_ITER_HOLDS_DATE_TIME(&iter)) {
        int64_t milliseconds = bson_iter_date_time(&iter);
        if (milliseconds > 0 && milliseconds <= INT64_MAX / 1000) /* others are no time that can be written */
            microseconds = milliseconds * 1000;
    } else if (timestamp_parse(mongo_text(document, "timestamp"), &microseconds) != ERR_OK &&
               bson_iter_init_find(&iter, document, "_id") && BSON_ITER_HOLDS_OID(&iter)) {
        microseconds = (int64_t)bson_oid_get_time_t(bson_iter_oid(&iter)) * 1000000;
    }
    timestamp_format(microseconds, out);
}

static void read_id(const bson_t *document, char out[ID_SIZE])
{
    bson_iter_t iter;
    const char *id = mongo_text(document, "id");
    if (id_is_valid(id, strlen(id)))
        snprintf(out, ID_SIZE, "%s", id);
    else if (bson_iter_init_find(&iter, document, "_id") && BSON_ITER_HOLDS_OID(&iter))
        bson_oid_to_string(bson_iter_oid(&iter), out);
}

static void read_embedded_metadata(const bson_t *document, message_t *out)
{
    bson_iter_t iter;
    bson_t embedded;
    const uint8_t *data;
    uint32_t length;
    if (!bson_iter_init_find(&iter, document, "metadata") || !BSON_ITER_HOLDS_DOCUMENT(&iter))
        return;
    bson_iter_document(&iter, &length, &data);
    if (!bson_init_static(&embedded, data, length))
        return;
    size_t json_length;
    char *spaced = bson_as_relaxed_extended_json(&embedded, &json_length);
    cJSON *parsed = spaced != NULL ? json_parse(spaced, json_length) : NULL;
    char *json = parsed != NULL ? cJSON_PrintUnformatted(parsed) : NULL;
    if (json != NULL)
        (void)stored_metadata(json, strlen(json), out);
    cJSON_free(json);
    cJSON_Delete(parsed);
    bson_free(spaced);
}

static void read_metadata(const bson_t *document, message_t *out)
{
    const char *exact = mongo_text(document, "metadata_json");
    if (!stored_metadata(exact, strlen(exact), out))
        read_embedded_metadata(document, out);
}

void mongo_document_read(const bson_t *document, size_t max_message_bytes, message_t *out)
{
    char sender[USERNAME_SIZE];
    const char *destination = mongo_text(document, "destination");
    const char *given = mongo_text(document, "sender");
    if (username_normalise(given, strlen(given), sender) != ERR_OK)
        snprintf(sender, sizeof sender, "%s", UNKNOWN_SENDER);
    message_type_t type;
    if (!message_type_parse(mongo_text(document, "type"), &type))
        type = MESSAGE_CHAT;

    const char *stored = mongo_text(document, "message");
    stored_make(out, sender, destination, stored, strlen(stored), max_message_bytes, type);
    read_id(document, out->id);
    read_timestamp(document, out->timestamp);
    read_metadata(document, out);
}
