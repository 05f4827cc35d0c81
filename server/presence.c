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
    uint64_t since;   /* ms: the timer runs since then */
    size_t listeners; /* JSON sessions: without them nothing is collected */
};

/* The changes of one frame, in their order, and where in the names each one begins. */
typedef struct {
    buffer_t joined, left;
    size_t count;
    struct {
        uint64_t seq;
        size_t joined, left;
    } changes[LIMIT_NAMES_JSON];
} batch_t;

static bool listens(const session_t *session)
{
    return session->protocol == &json_protocol;
}

static void remove_change(presence_t *presence, change_t *change)
{
    TAILQ_REMOVE(&presence->changes, change, link);
    free(change);
}

static err_t collect(const presence_t *presence, batch_t *batch)
{
    const change_t *change;
    err_t err = ERR_OK;

    buffer_init(&batch->joined, 0);
    buffer_init(&batch->left, 0);
    batch->count = 0;
    TAILQ_FOREACH(change, &presence->changes, link)
    {
        if (batch->count == LIMIT_NAMES_JSON || err != ERR_OK)
            break;
        batch->changes[batch->count].seq = change->seq;
        batch->changes[batch->count].joined = batch->joined.length;
        batch->changes[batch->count++].left = batch->left.length;
        err = frame_append_name(change->joined ? &batch->joined : &batch->left, change->username);
    }
    return err;
}

static frame_names_t names_from(const buffer_t *names, size_t start)
{
    return (frame_names_t){names->length > start ? names->data + start : "", names->length - start};
}

/* Without the first `known` changes. */
static err_t write_frame(const presence_t *presence, const batch_t *batch, size_t known, buffer_t *out)
{
    buffer_clear(out);
    return frame_write_presence(out, names_from(&batch->joined, batch->changes[known].joined),
                                names_from(&batch->left, batch->changes[known].left),
                                users_count(presence->server->users));
}

/* Most sessions get the same bytes. Those that logged in meanwhile know a part of it already: the later they did, the
 * more, and they stand in the order of their logins. */
static void tell_all(const presence_t *presence, const batch_t *batch, buffer_t *frame)
{
    size_t known = 0;

    for (session_t *session = users_first(presence->server->users); session; session = users_next(session)) {
        if (!listens(session))
            continue;
        size_t knew = known;
        while (known < batch->count && batch->changes[known].seq <= session->presence_seq)
            known++;
        if (known == batch->count || (known > knew && write_frame(presence, batch, known, frame) != ERR_OK))
            return;
        session_write_now(session, frame);
    }
}

static void tell(const presence_t *presence)
{
    batch_t batch;
    buffer_t frame;

    buffer_init(&frame, 0);
    if (collect(presence, &batch) == ERR_OK && write_frame(presence, &batch, 0, &frame) == ERR_OK)
        tell_all(presence, &batch, &frame);
    buffer_free(&frame);
    buffer_free(&batch.joined);
    buffer_free(&batch.left);
}

/* A frame goes to every session: the more there are, the fewer frames. */
static uint64_t interval(const presence_t *presence)
{
    uint64_t wait = LIMIT_PRESENCE + presence->server->session_count / 10;

    return wait < LIMIT_PRESENCE_MAX ? wait : LIMIT_PRESENCE_MAX;
}

static void schedule(presence_t *presence);

/* There may be many more sessions by now than when it was started. */
static void on_timer(uv_timer_t *timer)
{
    presence_t *presence = timer->data;
    uint64_t due = presence->since + interval(presence), now = uv_now(timer->loop);
    change_t *change;

    if (due > now) {
        uv_timer_start(timer, on_timer, due - now, 0);
        return;
    }
    if (!TAILQ_EMPTY(&presence->changes))
        tell(presence);
    for (size_t i = 0; i < LIMIT_NAMES_JSON && (change = TAILQ_FIRST(&presence->changes)); i++) {
        hash_remove(presence->by_name, change->username);
        remove_change(presence, change);
    }
    if (!TAILQ_EMPTY(&presence->changes))
        schedule(presence);
}

static void schedule(presence_t *presence)
{
    if (uv_is_active((uv_handle_t *)&presence->timer))
        return;
    presence->since = uv_now(presence->timer.loop);
    uv_timer_start(&presence->timer, on_timer, interval(presence), 0);
}

static void note(presence_t *presence, const char *username, bool joined)
{
    change_t *known;

    presence->last_seq++;
    if (presence->listeners == 0) {
        if ((known = hash_remove(presence->by_name, username)) != NULL)
            remove_change(presence, known);
        return;
    }
    size_t size = strlen(username) + 1;
    change_t *change = alloc_zero(1, offsetof(change_t, username) + size);
    memcpy(change->username, username, size);
    change->joined = joined;
    change->seq = presence->last_seq;
    TAILQ_INSERT_TAIL(&presence->changes, change, link);
    if ((known = hash_put(presence->by_name, username, change)) != NULL)
        remove_change(presence, known);
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
