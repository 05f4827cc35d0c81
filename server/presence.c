#include "presence.h"
#include "../common/alloc.h"
#include "../common/frame.h"
#include "limits.h"
#include "server.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

typedef struct change {
    TAILQ_ENTRY(change) link;
    uint64_t seq;
    bool joined;
    char username[];
} change_t;

TAILQ_HEAD(change_list, change);

struct presence {
    uv_timer_t timer;
    server_t *server;
    struct change_list changes; /* in their order */
    hash_t *by_name;            /* to change_t */
    uint64_t last_seq;
    size_t listeners; /* JSON sessions: without them nothing is collected */
};

/* The changes of one frame. */
typedef struct {
    const char *joined[LIMIT_NAMES_JSON], *left[LIMIT_NAMES_JSON];
    size_t joined_count, left_count;
} names_t;

static bool listens(const session_t *session)
{
    return session->protocol == &json_protocol;
}

static void remove_change(presence_t *presence, change_t *change)
{
    hash_remove(presence->by_name, change->username);
    TAILQ_REMOVE(&presence->changes, change, link);
    free(change);
}

/* Those of the first LIMIT_NAMES_JSON changes that came behind seq. */
static void collect(const presence_t *presence, uint64_t seq, names_t *names)
{
    const change_t *change;
    size_t count = 0;

    names->joined_count = names->left_count = 0;
    TAILQ_FOREACH(change, &presence->changes, link)
    {
        if (count++ == LIMIT_NAMES_JSON)
            return;
        if (change->seq <= seq)
            continue;
        if (change->joined)
            names->joined[names->joined_count++] = change->username;
        else
            names->left[names->left_count++] = change->username;
    }
}

static err_t write_frame(const presence_t *presence, uint64_t seq, buffer_t *out)
{
    names_t names;

    collect(presence, seq, &names);
    if (names.joined_count + names.left_count == 0)
        return ERR_OK;
    return frame_write_presence(out, names.joined, names.joined_count, names.left, names.left_count,
                                users_count(presence->server->users));
}

/* Most sessions get the same bytes; those that logged in meanwhile know a part of it already. */
static void tell(presence_t *presence)
{
    uint64_t first = TAILQ_FIRST(&presence->changes)->seq;
    buffer_t frame;

    buffer_init(&frame, 0);
    err_t err = write_frame(presence, 0, &frame);
    for (session_t *session = users_first(presence->server->users); session && err == ERR_OK;
         session = users_next(session)) {
        if (!listens(session))
            continue;
        buffer_t *out = session_begin(session);
        if (session->presence_seq >= first)
            write_frame(presence, session->presence_seq, out);
        else
            buffer_append(out, frame.data, frame.length);
        session_flush(session);
    }
    buffer_free(&frame);
}

static void schedule(presence_t *presence);

static void on_timer(uv_timer_t *timer)
{
    presence_t *presence = timer->data;
    change_t *change;

    if (!TAILQ_EMPTY(&presence->changes))
        tell(presence);
    for (size_t i = 0; i < LIMIT_NAMES_JSON && (change = TAILQ_FIRST(&presence->changes)); i++)
        remove_change(presence, change);
    if (!TAILQ_EMPTY(&presence->changes))
        schedule(presence);
}

/* A frame goes to every session: the more there are, the fewer frames. */
static void schedule(presence_t *presence)
{
    uint64_t wait = LIMIT_PRESENCE + presence->server->session_count / 10;

    if (wait > LIMIT_PRESENCE_MAX)
        wait = LIMIT_PRESENCE_MAX;
    if (!uv_is_active((uv_handle_t *)&presence->timer))
        uv_timer_start(&presence->timer, on_timer, wait, 0);
}

static void note(presence_t *presence, const char *username, bool joined)
{
    change_t *known = hash_get(presence->by_name, username);

    presence->last_seq++;
    if (known)
        remove_change(presence, known);
    if (presence->listeners == 0)
        return;
    size_t size = strlen(username) + 1;
    change_t *change = alloc_zero(1, offsetof(change_t, username) + size);
    memcpy(change->username, username, size);
    change->joined = joined;
    change->seq = presence->last_seq;
    TAILQ_INSERT_TAIL(&presence->changes, change, link);
    hash_put(presence->by_name, username, change);
    schedule(presence);
}

uint64_t presence_joined(presence_t *presence, const session_t *session)
{
    note(presence, session_username(session), true);
    presence->listeners += listens(session);
    return presence->last_seq;
}

void presence_left(presence_t *presence, const session_t *session)
{
    presence->listeners -= listens(session);
    note(presence, session_username(session), false);
}

presence_t *presence_new(server_t *server)
{
    presence_t *presence = alloc_new(presence_t);

    presence->server = server;
    presence->by_name = hash_new();
    TAILQ_INIT(&presence->changes);
    uv_timer_init(server->loop, &presence->timer);
    presence->timer.data = presence;
    return presence;
}

static void on_closed(uv_handle_t *handle)
{
    presence_t *presence = handle->data;
    change_t *change;

    while ((change = TAILQ_FIRST(&presence->changes)) != NULL)
        remove_change(presence, change);
    hash_free(presence->by_name);
    free(presence);
}

void presence_free(presence_t *presence)
{
    uv_close((uv_handle_t *)&presence->timer, on_closed);
}
