#include "listener.h"
#include "common/alloc.h"
#include "common/tcp_listen.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 512,
    AT_ONCE = 64,            /* connections accepted in one turn of the loop */
    DEAD_PEER_MS = 45 * 1000 /* bytes that nobody acknowledges: section 9 wants it noticed within 60 s */
};

struct listener {
    uv_poll_t poll;
    int descriptor, port;
    bool waiting; /* for descriptors */
    listener_cb on_connection;
    void *context;
};

static void on_readable(uv_poll_t *poll, int status, int events);

static void wait_for_descriptors(listener_t *listener)
{
    uv_poll_stop(&listener->poll);
    listener->waiting = true;
}

void listener_tick(listener_t *listener)
{
    if (!listener->waiting)
        return;
    listener->waiting = false;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    listener_t *listener = poll->data;
    const int on = 1, dead = DEAD_PEER_MS;

    (void)events;
    for (int i = 0; status == 0 && i < AT_ONCE; i++) {
        int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof dead);
            listener->on_connection(listener->context, descriptor);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            wait_for_descriptors(listener);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

err_t listener_start(uv_loop_t *loop, const char *host, int port, const log_t *log, listener_cb on_connection,
                     void *context, listener_t **out)
{
    tcp_listener_t bound;
    err_t err = tcp_listen(host, port, BACKLOG, log, &bound);
    if (err != ERR_OK)
        return err;
    listener_t *listener = alloc_new(listener_t);
    listener->descriptor = bound.descriptor;
    listener->port = bound.port;
    listener->on_connection = on_connection;
    listener->context = context;
    listener->poll.data = listener;
    int status = uv_poll_init(loop, &listener->poll, bound.descriptor);
    if (status != 0) {
        log_error(log, "listen_failed", "host=%s port=%d why=%s", host, port, uv_strerror(status));
        close(bound.descriptor);
        free(listener);
        return ERR_IO;
    }
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    *out = listener;
    return ERR_OK;
}

int listener_port(const listener_t *listener)
{
    return listener->port;
}

static void on_closed(uv_handle_t *handle)
{
    listener_t *listener = handle->data;

    close(listener->descriptor);
    free(listener);
}

void listener_close(listener_t *listener)
{
    if (listener)
        uv_close((uv_handle_t *)&listener->poll, on_closed);
}
