/* Bodies that hold keys of messages. */
#include "../common/alloc.h"
#include "request_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- acknowledgements --- */

/* A sender may be a name that the original let through: it is taken as the store gave it out. */
static bool read_sender(const cJSON *object, char out[USERNAME_SIZE], const char *place, details_t *details)
{
    const char *text = request_string_member(object, "sender", place, details);
    if (text == NULL)
        return false;
    size_t length = strlen(text);
    if (username_normalise(text, length, out) == ERR_OK)
        return true;
    if (length == 0 || length >= USERNAME_SIZE) {
        details_add(details, err_code(ERR_USERNAME_INVALID), err_text(ERR_USERNAME_INVALID), "%s,\"sender\"",
                    place);
        return false;
    }
    memcpy(out, text, length + 1);
    return true;
}

static bool read_key(const cJSON *object, store_key_t *key, const char *place, details_t *details)
{
    if (!request_is_object(object, place, details) || !read_sender(object, key->sender, place, details))
        return false;
    const char *id = request_string_member(object, "id", place, details);
    if (id == NULL)
        return false;
    if (!id_is_valid(id, strlen(id))) {
        details_add(details, err_code(ERR_INVALID_ID), err_text(ERR_INVALID_ID), "%s,\"id\"", place);
        return false;
    }
    strcpy(key->id, id);
    return true;
}

static bool read_keys(const cJSON *object, store_acknowledgement_t *out, const char *place,
                      details_t *details)
{
    const cJSON *array = request_array_member(object, "keys", 0, STORE_MAX_ACKNOWLEDGE, place, details);
    if (array == NULL)
        return false;
    int count = cJSON_GetArraySize(array);
    if (count > 0)
        out->keys = alloc_zero((size_t)count, sizeof out->keys[0]);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char where[PLACE_SIZE + 32];
        snprintf(where, sizeof where, "%s,\"keys\",%zu", place, out->count);
        if (!read_key(item, &out->keys[out->count], where, details))
            return false;
        out->count++;
    }
    return true;
}

static bool read_acknowledgement(const cJSON *object, store_acknowledgement_t *out, const char *place,
                                 details_t *details)
{
    if (!request_is_object(object, place, details) ||
        !request_read_username(object, "username", out->username, place, details))
        return false;
    if (cJSON_GetObjectItemCaseSensitive(object, "epoch") == NULL) {
        details_add(details, "missing", "Field required", "%s,\"epoch\"", place);
        return false;
    }
    if (!json_integer(object, "epoch", &out->epoch) || out->epoch < 1 || out->epoch > REQUEST_WHOLE_MAX) {
        details_add(details, "int_type", "Input should be a whole number from 1", "%s,\"epoch\"", place);
        return false;
    }
    return read_keys(object, out, place, details);
}

bool request_read_acknowledgements(const cJSON *body, store_acknowledgement_t **out, size_t *count,
                                   details_t *details)
{
    if (!request_is_object(body, "\"body\"", details))
        return false;
    const cJSON *array =
        request_array_member(body, "acknowledgements", 1, STORE_MAX_ACKNOWLEDGE, "\"body\"", details);
    if (array == NULL)
        return false;

    size_t made = 0, keys = 0;
    store_acknowledgement_t *list = alloc_zero((size_t)cJSON_GetArraySize(array), sizeof list[0]);
    bool good = true;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char place[PLACE_SIZE];
        snprintf(place, sizeof place, "\"body\",\"acknowledgements\",%zu", made);
        good = read_acknowledgement(item, &list[made], place, details);
        keys += list[made++].count;
        if (!good)
            break;
    }
    if (good && keys > STORE_MAX_ACKNOWLEDGE) {
        details_add(details, "too_long", "A request holds at most 1024 keys in all",
                    "\"body\",\"acknowledgements\"");
        good = false;
    }
    if (!good) {
        store_acknowledgements_free(list, made);
        return false;
    }
    *out = list;
    *count = made;
    return true;
}

/* --- received --- */

enum { RECEIVED_SENDERS = 256, RECEIVED_IDS = 256 /* of each */ };

static bool read_id(const cJSON *item, char out[ID_SIZE], const char *place, size_t index, details_t *details)
{
    if (!cJSON_IsString(item)) {
        details_add(details, "string_type", "Input should be a string", "%s,\"ids\",%zu", place, index);
        return false;
    }
    size_t length = strlen(item->valuestring);
    if (!id_is_valid(item->valuestring, length)) {
        details_add(details, err_code(ERR_INVALID_ID), err_text(ERR_INVALID_ID), "%s,\"ids\",%zu", place,
                    index);
        return false;
    }
    memcpy(out, item->valuestring, length + 1);
    return true;
}

/* One sender's; *count grows. */
static bool read_received(const cJSON *object, store_key_t *keys, size_t *count, const char *place,
                          details_t *details)
{
    store_key_t first;
    if (!request_is_object(object, place, details) || !read_sender(object, first.sender, place, details))
        return false;
    const cJSON *ids = request_array_member(object, "ids", 1, RECEIVED_IDS, place, details);
    if (ids == NULL)
        return false;
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, ids)
    {
        if (*count == STORE_MAX_REMEMBER) {
            details_add(details, "too_long", "A request holds at most 4096 ids in all",
                        "\"body\",\"received\"");
            return false;
        }
        store_key_t *key = &keys[*count];
        if (!read_id(item, key->id, place, index++, details))
            return false;
        strcpy(key->sender, first.sender);
        ++*count;
    }
    return true;
}

/* At most as many as a request may hold, and one at least. */
static size_t count_ids(const cJSON *array)
{
    size_t count = 1;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        count += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "ids"));
    }
    return count < STORE_MAX_REMEMBER ? count : STORE_MAX_REMEMBER;
}

bool request_read_received(const cJSON *body, store_key_t **out, size_t *count, details_t *details)
{
    if (!request_is_object(body, "\"body\"", details))
        return false;
    const cJSON *array = request_array_member(body, "received", 1, RECEIVED_SENDERS, "\"body\"", details);
    if (array == NULL)
        return false;

    store_key_t *keys = alloc_bytes(count_ids(array) * sizeof keys[0]);
    size_t made = 0, index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char place[PLACE_SIZE];
        snprintf(place, sizeof place, "\"body\",\"received\",%zu", index++);
        if (!read_received(item, keys, &made, place, details)) {
            free(keys);
            return false;
        }
    }
    *out = keys;
    *count = made;
    return true;
}
