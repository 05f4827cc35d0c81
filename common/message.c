#include "message.h"
#include "alloc.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* JSON writes a byte as \u00XX at worst. */
enum { ESCAPE_GROWTH = 6, MEMBER_NAMES = 1024 };

static const char *const type_names[] = {
    [MESSAGE_CHAT] = "chat",
    [MESSAGE_COMMAND] = "command",
    [MESSAGE_NOTIFICATION] = "notification",
    [MESSAGE_SUBSCRIPTION] = "subscription",
};
enum { TYPES = sizeof type_names / sizeof type_names[0] };

size_t message_max_line(size_t max_message_bytes)
{
    return ESCAPE_GROWTH * (max_message_bytes + MESSAGE_MAX_METADATA + 2 * USERNAME_SIZE + ID_SIZE) +
           MEMBER_NAMES;
}

const char *message_type_name(message_type_t type)
{
    return type_names[type];
}

bool message_type_parse(const char *name, message_type_t *type)
{
    for (int i = 0; i < TYPES; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *type = (message_type_t)i;
            return true;
        }
    }
    return false;
}

/* The member, or NULL when it is missing. A chat client's null is as good as nothing; the API is strict. */
static const cJSON *member(const cJSON *object, message_source_t source, const char *name)
{
    const cJSON *item = json_member(object, name);
    return source == MESSAGE_FROM_CLIENT && cJSON_IsNull(item) ? NULL : item;
}

static err_t read_id(const cJSON *object, message_source_t source, size_t max_message_bytes, message_t *out)
{
    (void)max_message_bytes;
    const cJSON *item = member(object, source, "id");
    if (item == NULL)
        return source == MESSAGE_FROM_PEER ? ERR_INVALID_ID : ERR_OK;
    if (!cJSON_IsString(item) || !id_is_valid(item->valuestring, strlen(item->valuestring)))
        return ERR_INVALID_ID;
    strcpy(out->id, item->valuestring);
    return ERR_OK;
}

static err_t read_sender(const cJSON *object, message_source_t source, size_t max_message_bytes,
                         message_t *out)
{
    (void)max_message_bytes;
    if (source == MESSAGE_FROM_CLIENT)
        return ERR_OK;
    const char *text = json_string(object, "sender");
    return text == NULL ? ERR_INVALID_FRAME : username_normalise(text, strlen(text), out->sender);
}

static err_t read_destination(const cJSON *object, message_source_t source, size_t max_message_bytes,
                              message_t *out)
{
    (void)max_message_bytes;
    const char *text = json_string(object, "destination");
    if (text == NULL)
        return ERR_INVALID_FRAME;
    /* What goes to `all` is never stored, so the API has no mailbox of that name. */
    if (source == MESSAGE_FROM_API)
        return username_normalise(text, strlen(text), out->destination);
    return username_normalise_destination(text, strlen(text), out->destination);
}

static err_t read_timestamp(const cJSON *object, message_source_t source, size_t max_message_bytes,
                            message_t *out)
{
    (void)max_message_bytes;
    if (source == MESSAGE_FROM_CLIENT)
        return ERR_OK;
    const cJSON *item = member(object, source, "timestamp");
    if (item == NULL)
        return source == MESSAGE_FROM_PEER ? ERR_INVALID_TIMESTAMP : ERR_OK;
    int64_t microseconds;
    if (!cJSON_IsString(item) || timestamp_parse(item->valuestring, &microseconds) != ERR_OK)
        return ERR_INVALID_TIMESTAMP;
    timestamp_format(microseconds, out->timestamp);
    return ERR_OK;
}

static err_t read_type(const cJSON *object, message_source_t source, size_t max_message_bytes, message_t *out)
{
    (void)max_message_bytes;
    const cJSON *item = member(object, source, "type");
    if (item == NULL && source != MESSAGE_FROM_PEER)
        return ERR_OK; /* a chat message */
    if (!cJSON_IsString(item) || !message_type_parse(item->valuestring, &out->type))
        return ERR_INVALID_TYPE;
    return ERR_OK;
}

static err_t read_text(const cJSON *object, message_source_t source, size_t max_message_bytes, message_t *out)
{
    (void)source;
    const char *text = json_string(object, "message");
    if (text == NULL)
        return ERR_INVALID_FRAME;
    size_t length = strlen(text);
    if (length == 0)
        return ERR_EMPTY;
    if (length > max_message_bytes)
        return ERR_TOO_LONG;
    if (!text_is_message(text, length))
        return ERR_INVALID_TEXT;
    out->text = try_string_n(text, length);
    out->text_length = length;
    return out->text == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static err_t read_metadata(const cJSON *object, message_source_t source, size_t max_message_bytes,
                           message_t *out)
{
    (void)max_message_bytes;
    const cJSON *item = member(object, source, "metadata");
    if (item == NULL ? source == MESSAGE_FROM_PEER : !cJSON_IsObject(item))
        return ERR_INVALID_METADATA;
    if (item == NULL || item->child == NULL) {
        out->metadata = try_string_n("{}", 2);
        out->metadata_length = 2;
        return out->metadata == NULL ? ERR_NO_MEMORY : ERR_OK;
    }
    buffer_t print;
    buffer_init(&print, MESSAGE_MAX_METADATA);
    err_t err = json_append_item(&print, item);
    if (err == ERR_OK)
        out->metadata = buffer_take(&print, &out->metadata_length);
    buffer_free(&print);
    return err == ERR_TOO_LONG ? ERR_INVALID_METADATA : err;
}

/* What costs least comes first. */
static const struct {
    const char *field;
    err_t (*read)(const cJSON *object, message_source_t source, size_t max_message_bytes, message_t *out);
} readers[] = {
    {"id", read_id},
    {"type", read_type},
    {"sender", read_sender},
    {"message", read_text},
    {"destination", read_destination},
    {"timestamp", read_timestamp},
    {"metadata", read_metadata},
};

err_t message_from_json(const cJSON *object, message_source_t source, size_t max_message_bytes,
                        message_t *out, const char **field)
{
    message_t message;
    message.id[0] = message.sender[0] = message.destination[0] = message.timestamp[0] = '\0';
    message.type = MESSAGE_CHAT;
    message.text_length = message.metadata_length = 0;
    message.text = message.metadata = NULL;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        err_t err = readers[i].read(object, source, max_message_bytes, &message);
        if (err != ERR_OK) {
            if (field != NULL)
                *field = readers[i].field;
            message_free(&message);
            return err;
        }
    }
    *out = message;
    return ERR_OK;
}

void message_make(message_t *out, const char *sender, const char *destination, const char *text,
                  size_t text_length, message_type_t type)
{
    memset(out, 0, sizeof *out);
    strncpy(out->sender, sender, sizeof out->sender - 1);
    strncpy(out->destination, destination, sizeof out->destination - 1);
    out->type = type;
    out->text = alloc_string_n(text, text_length);
    out->text_length = text_length;
    out->metadata = alloc_string("{}");
    out->metadata_length = 2;
}

void message_set_metadata(message_t *message, const char *metadata)
{
    char *copy = alloc_string(metadata == NULL ? "{}" : metadata);
    free(message->metadata);
    message->metadata = copy;
    message->metadata_length = strlen(copy);
}

void message_free(message_t *message)
{
    free(message->text);
    free(message->metadata);
    message->text = message->metadata = NULL;
    message->text_length = message->metadata_length = 0;
}

static char *put(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

/* Ids, names, types and timestamps are checked: nothing in them needs an escape. */
static char *put_member(char *to, const char *name, const char *value)
{
    to = put(to, name, strlen(name));
    to = put(to, value, strlen(value));
    *to++ = '"';
    return to;
}

err_t message_append_members(buffer_t *out, const message_t *message)
{
    size_t start = out->length;
    err_t err =
        buffer_reserve(out, sizeof *message + MEMBER_NAMES + message->text_length + message->metadata_length);
    if (err != ERR_OK)
        return err;
    char *to = out->data + start;
    to = put_member(to, "\"id\":\"", message->id);
    to = put_member(to, ",\"sender\":\"", message->sender);
    to = put_member(to, ",\"destination\":\"", message->destination);
    to = put_member(to, ",\"timestamp\":\"", message->timestamp);
    to = put_member(to, ",\"type\":\"", type_names[message->type]);
    to = put(to, ",\"metadata\":", 12);
    to = put(to, message->metadata, message->metadata_length);
    to = put(to, ",\"message\":", 11);
    *to = '\0';
    out->length = (size_t)(to - out->data);
    err = json_append_string(out, message->text, message->text_length);
    if (err != ERR_OK) {
        out->length = start;
        out->data[start] = '\0';
    }
    return err;
}

err_t message_append_json(buffer_t *out, const message_t *message)
{
    size_t start = out->length;
    err_t err = buffer_append_char(out, '{');
    if (err == ERR_OK)
        err = message_append_members(out, message);
    if (err == ERR_OK)
        err = buffer_append_char(out, '}');
    if (err != ERR_OK && out->length > start) {
        out->length = start;
        out->data[start] = '\0';
    }
    return err;
}
