#include "users.h"
#include "../common/alloc.h"
#include "../common/username.h"
#include "limits.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

/* Every login is told the names of the oldest: they are written once, not once a login. */
struct users {
    hash_t *by_key;
    struct session_list online;
    buffer_t oldest; /* the names of those that are `listed`, as frames hold them */
    size_t listed;
    bool stale;     /* oldest is to be written anew */
    buffer_t first; /* for people; empty while it is to be written anew */
};

users_t *users_new(void)
{
    users_t *users = alloc_new(users_t);

    users->by_key = hash_new();
    TAILQ_INIT(&users->online);
    buffer_init(&users->oldest, 0);
    buffer_init(&users->first, 0);
    return users;
}

void users_free(users_t *users)
{
    if (!users)
        return;
    hash_free(users->by_key);
    buffer_free(&users->oldest);
    buffer_free(&users->first);
    free(users);
}

static void list(users_t *users, session_t *session)
{
    if (users->stale || users->listed >= LIMIT_NAMES_JSON - 1)
        return;
    session->listed = frame_append_name(&users->oldest, session_username(session)) == ERR_OK;
    users->listed += session->listed;
}

static void list_again(users_t *users)
{
    session_t *session;

    users->stale = false;
    users->listed = 0;
    buffer_clear(&users->oldest);
    TAILQ_FOREACH(session, &users->online, in_users)
    {
        if (users->listed == LIMIT_NAMES_JSON - 1)
            break;
        list(users, session);
    }
}

bool users_add(users_t *users, session_t *session, const char *username)
{
    char key[USERNAME_KEY_SIZE];

    username_key(username, key);
    session_t *former = hash_put(users->by_key, key, session);
    if (former) {
        hash_put(users->by_key, key, former);
        return false;
    }
    TAILQ_INSERT_TAIL(&users->online, session, in_users);
    list(users, session);
    return true;
}

void users_remove(users_t *users, session_t *session, const char *username)
{
    char key[USERNAME_KEY_SIZE];

    username_key(username, key);
    hash_remove(users->by_key, key);
    TAILQ_REMOVE(&users->online, session, in_users);
    users->stale |= session->listed;
    if (session->listed || users->stale)
        buffer_clear(&users->first);
    session->listed = false;
}

const char *users_oldest(users_t *users)
{
    const session_t *session = users_first(users);

    if (users->first.failed) /* for want of memory: not for ever */
        buffer_free(&users->first);
    if (users->first.length == 0) {
        for (size_t i = 1; i < LIMIT_NAMES_TEXT; i++, session = users_next(session))
            buffer_appendf(&users->first, "%s%s", i > 1 ? ", " : "", session_username(session));
    }
    return buffer_text(&users->first);
}

frame_names_t users_others(users_t *users, const session_t *newest)
{
    if (users->stale)
        list_again(users);
    size_t length = users->oldest.length;
    if (newest->listed) /* as the last one, with a comma in front of it unless it is alone */
        length -= strlen(session_username(newest)) + (users->listed > 1 ? 3 : 2);
    return (frame_names_t){users->oldest.data, length};
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

size_t users_names(const users_t *users, const session_t *self, const char **names, size_t limit)
{
    size_t count = 0;
    const session_t *session;

    TAILQ_FOREACH(session, &users->online, in_users)
    {
        if (count + 1 >= limit)
            break;
        if (session != self)
            names[count++] = session_username(session);
    }
    names[count++] = session_username(self);
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
