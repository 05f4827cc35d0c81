#include "watch.h"
#include "../common/alloc.h"
#include "limits.h"
#include "session.h"
#include <stdlib.h>

struct watch {
    uv_timer_t timer;
    watch_cb on_tick;
    struct session_list watched;
    session_t *next; /* of the walk under way */
};

static void on_timer(uv_timer_t *timer)
{
    watch_t *watch = timer->data;
    uint64_t now = uv_now(timer->loop);
    session_t *session;

    for (session = TAILQ_FIRST(&watch->watched); session; session = watch->next) {
        watch->next = TAILQ_NEXT(session, in_watch);
        if (!watch->on_tick(session, now))
            watch_remove(watch, session);
    }
    watch->next = NULL;
    if (TAILQ_EMPTY(&watch->watched))
        uv_timer_stop(timer);
}

watch_t *watch_new(uv_loop_t *loop, watch_cb on_tick)
{
    watch_t *watch = alloc_new(watch_t);

    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    watch->on_tick = on_tick;
    TAILQ_INIT(&watch->watched);
    return watch;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void watch_free(watch_t *watch)
{
    uv_close((uv_handle_t *)&watch->timer, on_closed);
}

void watch_add(watch_t *watch, session_t *session)
{
    if (session->watched)
        return;
    session->watched = true;
    TAILQ_INSERT_TAIL(&watch->watched, session, in_watch);
    if (!uv_is_active((uv_handle_t *)&watch->timer))
        uv_timer_start(&watch->timer, on_timer, LIMIT_TICK, LIMIT_TICK);
}

void watch_remove(watch_t *watch, session_t *session)
{
    if (!session->watched)
        return;
    session->watched = false;
    if (watch->next == session)
        watch->next = TAILQ_NEXT(session, in_watch);
    TAILQ_REMOVE(&watch->watched, session, in_watch);
}
