#include "users.h"
#include "../common/alloc.h"
#include "../common/username.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

struct users {
    hash_t *by_key;
    struct session_list online;
};

users_t *users_new(void)
{
    users_t *users = alloc_new(users_t);

    users->by_key = hash_new();
    TAILQ_INIT(&users->online);
    return users;
}

void users_free(users_t *users)
{
    if (!users)
        return;
    hash_free(users->by_key);
    free(users);
}

bool users_add(users_t *users, session_t *session, const char *username)
{
    char key[USERNAME_KEY_SIZE];

    username_key(username, key);
    if (hash_get(users->by_key, key))
        return false;
    hash_put(users->by_key, key, session);
    TAILQ_INSERT_TAIL(&users->online, session, in_users);
    return true;
}

void users_remove(users_t *users, session_t *session, const char *username)
{
    char key[USERNAME_KEY_SIZE];

    username_key(username, key);
    hash_remove(users->by_key, key);
    TAILQ_REMOVE(&users->online, session, in_users);
}

session_t *users_find(const users_t *users, const char *username)
{
    char key[USERNAME_KEY_SIZE];

    username_key(username, key);
    session_t *session = hash_get(users->by_key, key);
    return session && strcmp(session_username(session), username) == 0 ? session : NULL;
}

size_t users_count(const users_t *users)
{
    return hash_count(users->by_key);
}

size_t users_names(const users_t *users, const char *self, const char **names, size_t limit)
{
    size_t count = 0;
    bool self_online = self && users_find(users, self);
    const session_t *session;

    TAILQ_FOREACH(session, &users->online, in_users)
    {
        const char *name = session_username(session);
        if (count + (self_online ? 1 : 0) >= limit)
            break;
        if (!self_online || strcmp(name, self) != 0)
            names[count++] = name;
    }
    if (self_online)
        names[count++] = self;
    return count;
}

session_t *users_first(const users_t *users)
{
    return TAILQ_FIRST(&users->online);
}

session_t *users_next(const session_t *session)
{
    return TAILQ_NEXT(session, in_users);
}
