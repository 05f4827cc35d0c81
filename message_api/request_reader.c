#include "request_reader.h"
#include "../common/alloc.h"
#include "../common/text.h"
#include "percent.h"
#include "request_parts.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OTHER_VALUES = 8 * 1024,                         /* of a body beside its messages */
    MESSAGE_VALUES = MESSAGE_MAX_METADATA / 2 + 256, /* a value of metadata has 2 bytes at least */
    DIGITS_MAX = 20,
};

size_t request_most_values(size_t messages)
{
    return OTHER_VALUES + messages * MESSAGE_VALUES;
}

bool request_has_at_most(const char *json, size_t length, size_t values)
{
    size_t count = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = json[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == ',' || c == '[' || c == '{') {
            count++;
        }
    }
    return count <= values;
}

bool request_is_object(const cJSON *item, const char *place, details_t *details)
{
    if (cJSON_IsObject(item))
        return true;
    details_add(details, "dict_type", "Input should be an object", "%s", place);
    return false;
}

const cJSON *request_array_member(const cJSON *object, const char *name, int minimum, int maximum,
                                  const char *place, details_t *details)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name);
    if (array == NULL) {
        details_add(details, "missing", "Field required", "%s,\"%s\"", place, name);
        return NULL;
    }
    if (!cJSON_IsArray(array)) {
        details_add(details, "list_type", "Input should be a list", "%s,\"%s\"", place, name);
        return NULL;
    }
    int count = cJSON_GetArraySize(array);
    char text[96];
    snprintf(text, sizeof text, "List should have %d to %d items, not %d", minimum, maximum, count);
    if (count < minimum || count > maximum) {
        details_add(details, count < minimum ? "too_short" : "too_long", text, "%s,\"%s\"", place, name);
        return NULL;
    }
    return array;
}

const char *request_string_member(const cJSON *object, const char *name, const char *place,
                                  details_t *details)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (item == NULL)
        details_add(details, "missing", "Field required", "%s,\"%s\"", place, name);
    else if (!cJSON_IsString(item))
        details_add(details, "string_type", "Input should be a string", "%s,\"%s\"", place, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool request_read_username(const cJSON *object, const char *name, char out[USERNAME_SIZE], const char *place,
                           details_t *details)
{
    const char *text = request_string_member(object, name, place, details);
    if (text == NULL)
        return false;
    err_t err = username_normalise(text, strlen(text), out);
    if (err != ERR_OK)
        details_add(details, err_code(err), err_text(err), "%s,\"%s\"", place, name);
    return err == ERR_OK;
}

static bool normalise_item(const cJSON *item, char out[USERNAME_SIZE], const char *place, details_t *details)
{
    if (!cJSON_IsString(item)) {
        details_add(details, "string_type", "Input should be a string", "%s", place);
        return false;
    }
    err_t err = username_normalise(item->valuestring, strlen(item->valuestring), out);
    if (err != ERR_OK)
        details_add(details, err_code(err), err_text(err), "%s", place);
    return err == ERR_OK;
}

/* --- messages --- */

/* message_from_json says that a member is at fault; a framework's client wants to know whether it was missing. */
static void add_message_fault(details_t *details, const cJSON *object, err_t err, const char *field,
                              const char *place)
{
    if (field == NULL) {
        details_add(details, err_code(err), err_text(err), "%s", place);
        return;
    }
    bool missing = cJSON_GetObjectItemCaseSensitive(object, field) == NULL;
    details_add(details, missing ? "missing" : err_code(err), missing ? "Field required" : err_text(err),
                "%s,\"%s\"", place, field);
}

static bool read_one_message(const cJSON *object, size_t max_message_bytes, const char *place, message_t *out,
                             details_t *details)
{
    if (!request_is_object(object, place, details))
        return false;
    const char *field = NULL;
    message_t message;
    err_t err = message_from_json(object, MESSAGE_FROM_API, max_message_bytes, &message, &field);
    details->no_memory |= err == ERR_NO_MEMORY;
    if (err != ERR_OK) {
        add_message_fault(details, object, err, field, place);
        return false;
    }
    /* `all` has no mailbox: such a message lives only as long as it takes to hand it round. */
    if (strcmp(message.destination, "all") == 0) {
        add_message_fault(details, object, ERR_USERNAME_RESERVED, "destination", place);
        message_free(&message);
        return false;
    }
    if (message.id[0] == '\0')
        id_mint(message.id);
    if (message.timestamp[0] == '\0')
        timestamp_format_now(message.timestamp);
    *out = message;
    return true;
}

bool request_read_message(const cJSON *body, size_t max_message_bytes, message_t *out, details_t *details)
{
    return read_one_message(body, max_message_bytes, "\"body\"", out, details);
}

void request_free_messages(message_t *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_free(&messages[i]);
    free(messages);
}

bool request_read_messages(const cJSON *body, size_t max_message_bytes, message_t **out, size_t *count,
                           details_t *details)
{
    if (!request_is_object(body, "\"body\"", details))
        return false;
    const cJSON *array = request_array_member(body, "messages", 1, STORE_MAX_PUT, "\"body\"", details);
    if (array == NULL)
        return false;

    message_t *messages = alloc_zero((size_t)cJSON_GetArraySize(array), sizeof messages[0]);
    size_t index = 0, made = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char place[PLACE_SIZE];
        snprintf(place, sizeof place, "\"body\",\"messages\",%zu", index++);
        if (read_one_message(item, max_message_bytes, place, &messages[made], details))
            made++;
    }
    if (made < index) {
        request_free_messages(messages, made);
        return false;
    }
    *out = messages;
    *count = made;
    return true;
}

/* --- claims --- */

bool request_read_claims(const cJSON *body, store_claim_t **out, size_t *count, details_t *details)
{
    if (!request_is_object(body, "\"body\"", details))
        return false;
    const cJSON *array = request_array_member(body, "usernames", 1, STORE_MAX_CLAIM, "\"body\"", details);
    if (array == NULL)
        return false;

    size_t made = 0;
    store_claim_t *claims = alloc_zero((size_t)cJSON_GetArraySize(array), sizeof claims[0]);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char place[PLACE_SIZE];
        snprintf(place, sizeof place, "\"body\",\"usernames\",%zu", made);
        if (!normalise_item(item, claims[made++].username, place, details)) {
            free(claims);
            return false;
        }
    }
    *out = claims;
    *count = made;
    return true;
}

/* --- path and query --- */

bool request_read_path_username(const char *text, size_t length, char username[USERNAME_SIZE],
                                details_t *details)
{
    char *decoded = alloc_bytes(length + 1);
    size_t decoded_length;
    err_t err = ERR_USERNAME_INVALID;
    if (percent_decode(text, length, decoded, &decoded_length))
        err = username_normalise(decoded, decoded_length, username);
    free(decoded);
    if (err != ERR_OK)
        details_add(details, err_code(err), err_text(err), "\"path\",\"username\"");
    return err == ERR_OK;
}

/* Digits alone; what is beyond REQUEST_WHOLE_MAX is beyond every maximum, however much it is. */
static bool parse_integer(const char *text, int64_t *out)
{
    char decoded[DIGITS_MAX * 3 + 1];
    size_t length = strlen(text);
    if (length >= sizeof decoded || !percent_decode(text, length, decoded, &length))
        return false;
    if (length == 0 || strspn(decoded, "0123456789") != length)
        return false;
    int64_t value = 0;
    for (const char *digit = decoded; *digit != '\0'; digit++) {
        if (value <= REQUEST_WHOLE_MAX)
            value = value * 10 + (*digit - '0');
    }
    *out = value;
    return true;
}

bool request_read_query(const query_integer_t *query, const char *text, int64_t *out, details_t *details)
{
    if (text == NULL && !query->required) {
        *out = query->fallback;
        return true;
    }
    int64_t value;
    if (text == NULL) {
        details_add(details, "missing", "Field required", "\"query\",\"%s\"", query->name);
        return false;
    }
    if (!parse_integer(text, &value)) {
        details_add(details, "int_parsing", "Input should be a whole number", "\"query\",\"%s\"",
                    query->name);
        return false;
    }
    if (value < query->minimum || value > query->maximum) {
        char why[96];
        snprintf(why, sizeof why, "Input should be from %" PRId64 " to %" PRId64, query->minimum,
                 query->maximum);
        details_add(details, "out_of_range", why, "\"query\",\"%s\"", query->name);
        return false;
    }
    *out = value;
    return true;
}
