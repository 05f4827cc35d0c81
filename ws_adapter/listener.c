#include "listener.h"
#include "common/alloc.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A bound and listening socket, or -1 and errno. */
static int listen_on(const struct addrinfo *address)
{
    const int on = 1;
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 && listen(descriptor, BACKLOG) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static int port_of(int descriptor)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int listen_on_host(uv_loop_t *loop, const char *host, int port, int *uv_err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    uv_getaddrinfo_t request;
    char service[8];
    int descriptor = -1;

    snprintf(service, sizeof service, "%d", port);
    *uv_err =
        uv_getaddrinfo(loop, &request, NULL, host, service, &hints); /* nothing runs yet: it may block */
    if (*uv_err != 0)
        return -1;
    for (const struct addrinfo *address = request.addrinfo; address && descriptor < 0;
         address = address->ai_next) {
        descriptor = listen_on(address);
        *uv_err = descriptor < 0 ? -errno : 0;
    }
    uv_freeaddrinfo(request.addrinfo);
    return descriptor;
}

err_t listener_start(uv_loop_t *loop, const char *host, int port, listener_cb on_connection, void *context,
                     listener_t **out, int *uv_err)
{
    int descriptor = listen_on_host(loop, host, port, uv_err);

    if (descriptor < 0)
        return ERR_IO;
    listener_t *listener = alloc_new(listener_t);
    listener->descriptor = descriptor;
    listener->port = port_of(descriptor);
    listener->on_connection = on_connection;
    listener->context = context;
    listener->poll.data = listener;
    *uv_err = uv_poll_init(loop, &listener->poll, descriptor);
    if (*uv_err != 0) {
        close(descriptor);
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
