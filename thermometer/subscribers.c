#include "subscribers.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "common/json.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct subscribers {
    subscriber_t ring; /* next is the first; itself nobody */
    hash_t *by_name;
    char handled[HANDLED_MAX][KEY_SIZE]; /* a ring */
    size_t handled_first, handled_count;
    int64_t round_us;
};

subscribers_t *subscribers_new(void)
{
    subscribers_t *subscribers = alloc_new(subscribers_t);

    subscribers->ring.previous = subscribers->ring.next = &subscribers->ring;
    subscribers->by_name = hash_new();
    return subscribers;
}

static void detach(subscriber_t *subscriber)
{
    subscriber->previous->next = subscriber->next;
    subscriber->next->previous = subscriber->previous;
}

static void attach(subscribers_t *subscribers, subscriber_t *subscriber)
{
    subscriber->next = &subscribers->ring;
    subscriber->previous = subscribers->ring.previous;
    subscriber->previous->next = subscribers->ring.previous = subscriber;
}

void subscribers_free(subscribers_t *subscribers)
{
    if (!subscribers)
        return;
    while (subscribers->ring.next != &subscribers->ring) {
        subscriber_t *first = subscribers->ring.next;
        detach(first);
        free(first);
    }
    hash_free(subscribers->by_name);
    free(subscribers);
}

size_t subscribers_count(const subscribers_t *subscribers)
{
    return hash_count(subscribers->by_name);
}

subscriber_t *subscribers_find(const subscribers_t *subscribers, const char *name)
{
    return hash_get(subscribers->by_name, name);
}

subscriber_t *subscribers_add(subscribers_t *subscribers, const char *name, const char *key)
{
    if (subscribers_count(subscribers) >= SUBSCRIBERS_MAX)
        return NULL;
    subscriber_t *subscriber = alloc_new(subscriber_t);
    strncpy(subscriber->name, name, sizeof(subscriber->name) - 1);
    strncpy(subscriber->key, key, sizeof(subscriber->key) - 1);
    subscribers_give_back(subscribers, subscriber);
    return subscriber;
}

void subscribers_remove(subscribers_t *subscribers, subscriber_t *subscriber)
{
    hash_remove(subscribers->by_name, subscriber->name);
    detach(subscriber);
}

void subscribers_give_back(subscribers_t *subscribers, subscriber_t *subscriber)
{
    hash_put(subscribers->by_name, subscriber->name, subscriber);
    attach(subscribers, subscriber);
}

subscriber_t *subscribers_first(const subscribers_t *subscribers)
{
    return subscribers->ring.next == &subscribers->ring ? NULL : subscribers->ring.next;
}

void subscribers_move_to_end(subscribers_t *subscribers, subscriber_t *subscriber)
{
    detach(subscriber);
    attach(subscribers, subscriber);
}

int64_t subscriber_replaced(const subscriber_t *subscriber)
{
    return subscriber->kept_count == SUBSCRIBERS_KEPT ? subscriber->kept[0] : 0;
}

static void keep(subscriber_t *subscriber, int64_t number)
{
    if (subscriber->kept_count == SUBSCRIBERS_KEPT)
        memmove(subscriber->kept, subscriber->kept + 1,
                --subscriber->kept_count * sizeof(subscriber->kept[0]));
    subscriber->kept[subscriber->kept_count++] = number;
}

void subscriber_advance(subscriber_t *subscriber, bool stored)
{
    subscriber->number++;
    if (subscriber->doubtful > 0)
        subscriber->doubtful--;
    if (stored)
        keep(subscriber, subscriber->number);
}

static const char *handled_at(const subscribers_t *subscribers, size_t index)
{
    return subscribers->handled[(subscribers->handled_first + index) % HANDLED_MAX];
}

bool subscribers_has_handled(const subscribers_t *subscribers, const char *key)
{
    for (size_t i = subscribers->handled_count; i > 0; i--)
        if (strcmp(handled_at(subscribers, i - 1), key) == 0)
            return true;
    return false;
}

void subscribers_note_handled(subscribers_t *subscribers, const char *key)
{
    size_t place = (subscribers->handled_first + subscribers->handled_count) % HANDLED_MAX;

    if (subscribers->handled_count < HANDLED_MAX)
        subscribers->handled_count++;
    else
        subscribers->handled_first = (subscribers->handled_first + 1) % HANDLED_MAX;
    strncpy(subscribers->handled[place], key, KEY_SIZE - 1);
}

void subscribers_forget_newest_handled(subscribers_t *subscribers)
{
    if (subscribers->handled_count > 0)
        subscribers->handled_count--;
}

int64_t subscribers_round_us(const subscribers_t *subscribers)
{
    return subscribers->round_us;
}

void subscribers_set_round_us(subscribers_t *subscribers, int64_t time_us)
{
    subscribers->round_us = time_us;
}

/* ---- as JSON ---- */

static int write_subscriber(const subscriber_t *subscriber, bool first, buffer_t *out)
{
    int failed = buffer_append_text(out, first ? "\n{" : ",\n{") != ERR_OK;

    failed |= json_append_member(out, "name", subscriber->name) != ERR_OK;
    failed |= json_append_member(out, "key", subscriber->key) != ERR_OK;
    failed |= json_append_integer(out, "number", subscriber->number) != ERR_OK;
    failed |= buffer_append_text(out, ",\"kept\":[") != ERR_OK;
    for (size_t i = 0; i < subscriber->kept_count; i++)
        failed |= buffer_appendf(out, "%s%" PRId64, i > 0 ? "," : "", subscriber->kept[i]) != ERR_OK;
    return failed | (buffer_append_text(out, "]}") != ERR_OK);
}

err_t subscribers_write(const subscribers_t *subscribers, buffer_t *out)
{
    const subscriber_t *first = subscribers->ring.next;
    size_t before = out->length;

    int failed = buffer_append_text(out, "{\"version\":1") != ERR_OK;
    failed |= json_append_integer(out, "round_us", subscribers->round_us) != ERR_OK;
    failed |= buffer_append_text(out, ",\"subscribers\":[") != ERR_OK;
    for (const subscriber_t *one = first; one != &subscribers->ring; one = one->next)
        failed |= write_subscriber(one, one == first, out);
    failed |= buffer_append_text(out, "],\n\"handled\":[") != ERR_OK;
    for (size_t i = 0; i < subscribers->handled_count; i++)
        failed |= buffer_appendf(out, "%s\"%s\"", i > 0 ? "," : "", handled_at(subscribers, i)) != ERR_OK;
    failed |= buffer_append_text(out, "]}\n") != ERR_OK;
    if (failed)
        out->length = before;
    return failed ? ERR_NO_MEMORY : ERR_OK;
}

/* Numbers that ascend up to the subscriber's own. */
static bool read_kept(subscriber_t *subscriber, const cJSON *list)
{
    const cJSON *item;
    double last = 0;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > SUBSCRIBERS_KEPT)
        return false;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || item->valuedouble <= last ||
            item->valuedouble != trunc(item->valuedouble) || item->valuedouble > (double)subscriber->number)
            return false;
        last = item->valuedouble;
        keep(subscriber, (int64_t)last);
    }
    return true;
}

static bool read_subscriber(subscribers_t *subscribers, const cJSON *item)
{
    const char *name = json_string(item, "name"), *key = json_string(item, "key");
    char normalised[USERNAME_SIZE];
    int64_t number;

    if (!name || username_normalise(name, strlen(name), normalised) != ERR_OK || !key || !key_is_valid(key) ||
        !json_integer(item, "number", &number) || number < 0 || subscribers_find(subscribers, normalised))
        return false;
    subscriber_t *subscriber = subscribers_add(subscribers, normalised, key);
    if (!subscriber)
        return false;
    subscriber->number = number;
    subscriber->doubtful = SUBSCRIBERS_DOUBTFUL;
    return read_kept(subscriber, cJSON_GetObjectItemCaseSensitive(item, "kept"));
}

static err_t read_members(subscribers_t *subscribers, const cJSON *object)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "subscribers");
    const cJSON *handled = cJSON_GetObjectItemCaseSensitive(object, "handled");
    const cJSON *item;
    int64_t version;

    if (!json_integer(object, "version", &version) || version != 1 || !cJSON_IsArray(list) ||
        !cJSON_IsArray(handled) || !json_integer(object, "round_us", &subscribers->round_us) ||
        subscribers->round_us < 0)
        return ERR_INVALID_FRAME;
    cJSON_ArrayForEach(item, list)
    {
        if (!read_subscriber(subscribers, item))
            return ERR_INVALID_FRAME;
    }
    cJSON_ArrayForEach(item, handled)
    {
        if (!cJSON_IsString(item) || !key_is_valid(item->valuestring))
            return ERR_INVALID_FRAME;
        subscribers_note_handled(subscribers, item->valuestring);
    }
    return ERR_OK;
}

err_t subscribers_read(subscribers_t *subscribers, const char *text, size_t length)
{
    cJSON *object = json_parse(text, length);

    if (!object)
        return ERR_NOT_JSON;
    err_t err = read_members(subscribers, object);
    cJSON_Delete(object);
    return err;
}
