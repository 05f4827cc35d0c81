#include "users.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "common/json.h"
#include <stdlib.h>
#include <string.h>

struct users {
    const personality_t *usual;
    size_t conversation_tokens;
    hash_t *by_name;
    user_t *oldest, *newest;
};

users_t *users_new(const personality_t *usual, size_t conversation_tokens)
{
    users_t *users = alloc_new(users_t);

    users->usual = usual;
    users->conversation_tokens = conversation_tokens;
    users->by_name = hash_new();
    return users;
}

static void detach(users_t *users, user_t *user)
{
    *(user->older ? &user->older->newer : &users->oldest) = user->newer;
    *(user->newer ? &user->newer->older : &users->newest) = user->older;
}

static void attach(users_t *users, user_t *user)
{
    user->older = users->newest;
    user->newer = NULL;
    *(users->newest ? &users->newest->newer : &users->oldest) = user;
    users->newest = user;
}

static void forget(users_t *users, user_t *user)
{
    detach(users, user);
    hash_remove(users->by_name, user->name);
    conversation_free(user->conversation);
    free(user);
}

static void forget_all(users_t *users)
{
    while (users->oldest)
        forget(users, users->oldest);
}

void users_free(users_t *users)
{
    if (!users)
        return;
    forget_all(users);
    hash_free(users->by_name);
    free(users);
}

static user_t *make(users_t *users, const char *name)
{
    user_t *user = alloc_new(user_t);

    if (hash_count(users->by_name) >= USERS_MAX)
        forget(users, users->oldest);
    memcpy(user->name, name, strnlen(name, USERNAME_SIZE - 1));
    user->personality = users->usual;
    user->conversation = conversation_new(users->conversation_tokens);
    hash_put(users->by_name, user->name, user);
    attach(users, user);
    return user;
}

user_t *users_get(users_t *users, const char *name)
{
    user_t *user = hash_get(users->by_name, name);

    if (!user)
        return make(users, name);
    detach(users, user);
    attach(users, user);
    return user;
}

size_t users_count(const users_t *users)
{
    return hash_count(users->by_name);
}

bool user_apply(user_t *user, const char *id)
{
    for (size_t i = 0; i < USERS_APPLIED; i++)
        if (strcmp(user->applied[i], id) == 0)
            return false;
    memmove(user->applied[1], user->applied[0], sizeof(user->applied) - sizeof(user->applied[0]));
    memset(user->applied[0], 0, ID_SIZE);
    memcpy(user->applied[0], id, strnlen(id, ID_MAX));
    return true;
}

/* ---- JSON ---- */

static err_t write_user(const user_t *user, buffer_t *out)
{
    err_t err = buffer_append_text(out, out->data[out->length - 1] == '[' ? "\n{" : ",\n{");

    if (err == ERR_OK)
        err = json_append_member(out, "name", user->name);
    if (err == ERR_OK && user->chosen)
        err = json_append_member(out, "personality", user->personality->name);
    if (err == ERR_OK)
        err = buffer_append_text(out, ",\"applied\":[");
    for (size_t i = 0; i < USERS_APPLIED && user->applied[i][0] != '\0' && err == ERR_OK; i++)
        err = buffer_appendf(out, "%s\"%s\"", i > 0 ? "," : "", user->applied[i]);
    return err == ERR_OK ? buffer_append_text(out, "]}") : err;
}

err_t users_write(const users_t *users, buffer_t *out)
{
    err_t err = buffer_append_text(out, "{\"users\":[");

    for (const user_t *user = users->oldest; user && err == ERR_OK; user = user->newer)
        if (user->chosen || user->applied[0][0] != '\0')
            err = write_user(user, out);
    return err == ERR_OK ? buffer_append_text(out, "]}\n") : err;
}

static bool read_user(users_t *users, const cJSON *item)
{
    const char *name = json_string(item, "name"), *personality = json_string(item, "personality");
    const cJSON *applied = cJSON_GetObjectItemCaseSensitive(item, "applied");
    char normal[USERNAME_SIZE];

    if (!name || username_normalise(name, strlen(name), normal) != ERR_OK || !cJSON_IsArray(applied))
        return false;
    user_t *user = users_get(users, normal);
    const personality_t *chosen = personality ? personalities_find(personality, strlen(personality)) : NULL;
    user->chosen = chosen != NULL;
    user->personality = chosen ? chosen : users->usual;
    for (int i = cJSON_GetArraySize(applied); i-- > 0;) {
        const char *id = cJSON_GetStringValue(cJSON_GetArrayItem(applied, i));
        if (!id || !id_is_valid(id, strlen(id)))
            return false;
        user_apply(user, id);
    }
    return true;
}

err_t users_read(users_t *users, const char *text, size_t length)
{
    cJSON *json = json_parse(text, length);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "users"), *item;
    bool good = cJSON_IsArray(list);

    forget_all(users);
    cJSON_ArrayForEach(item, list) good = good && read_user(users, item);
    err_t err = !json ? ERR_NOT_JSON : good ? ERR_OK : ERR_INVALID_FRAME;
    cJSON_Delete(json);
    return err;
}
