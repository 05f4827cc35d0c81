#include "curl_loop.h"
#include "alloc.h"
#include <stdlib.h>

struct curl_loop {
    uv_loop_t *loop;
    CURLM *multi; /* NULL once freed */
    uv_timer_t timer;
    const curl_loop_events_t *events;
    void *context;
    bool inside;
    unsigned pins; /* open handles, and calls that still need it */
};

typedef struct {
    uv_poll_t poll;
    curl_loop_t *curl;
    curl_socket_t fd;
} watch_t;

static void unpin(curl_loop_t *curl)
{
    if (--curl->pins > 0)
        return;
    curl->events->on_closed(curl->context);
    free(curl);
    curl_global_cleanup();
}

static void report_done(curl_loop_t *curl)
{
    CURLMsg *message;
    int left;

    /* The owner may free us in on_done. */
    while (curl->multi && (message = curl_multi_info_read(curl->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            curl->events->on_done(curl->context, message->easy_handle, message->data.result);
}

static void dispatch(curl_loop_t *curl, curl_socket_t fd, int events)
{
    int running;

    if (!curl->multi)
        return;
    curl->pins++;
    curl->inside = true;
    curl_multi_socket_action(curl->multi, fd, events, &running);
    curl->inside = false;
    curl->events->on_left(curl->context);
    report_done(curl);
    unpin(curl);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    watch_t *watch = poll->data;
    int flags = 0;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    dispatch(watch->curl, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    watch_t *watch = handle->data;
    curl_loop_t *curl = watch->curl;

    free(watch);
    unpin(curl);
}

static watch_t *watch_new(curl_loop_t *curl, curl_socket_t fd)
{
    watch_t *watch = alloc_new(watch_t);

    if (uv_poll_init(curl->loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->curl = curl;
    watch->fd = fd;
    curl->pins++;
    curl_multi_assign(curl->multi, fd, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    curl_loop_t *curl = context;
    watch_t *watch = socket_context;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(curl->multi, fd, NULL);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (!watch && !(watch = watch_new(curl, fd)))
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_poll) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *timer)
{
    dispatch(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Only sets the timer. Inside a dispatch "at once" is 1 ms: libuv would run a timer of 0 ms again and again in
 * the same turn. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
    curl_loop_t *curl = context;

    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&curl->timer);
    else if (timeout_ms == 0)
        uv_timer_start(&curl->timer, on_timer, curl->inside ? 1 : 0, 0);
    else
        uv_timer_start(&curl->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    unpin(handle->data);
}

curl_loop_t *curl_loop_new(uv_loop_t *loop, int connections, const curl_loop_events_t *events, void *context)
{
    curl_loop_t *curl = alloc_new(curl_loop_t);

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(curl->multi = curl_multi_init()))
        abort(); /* no memory */
    curl->loop = loop;
    curl->events = events;
    curl->context = context;
    curl->pins = 1;
    uv_timer_init(loop, &curl->timer);
    curl->timer.data = curl;
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
    curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    return curl;
}

void curl_loop_free(curl_loop_t *curl)
{
    curl_multi_cleanup(curl->multi);
    curl->multi = NULL;
    uv_close((uv_handle_t *)&curl->timer, on_timer_closed);
}

void curl_loop_add(curl_loop_t *curl, CURL *easy)
{
    curl_multi_add_handle(curl->multi, easy);
}

void curl_loop_remove(curl_loop_t *curl, CURL *easy)
{
    curl_multi_remove_handle(curl->multi, easy);
}

bool curl_loop_is_inside(const curl_loop_t *curl)
{
    return curl->inside;
}
