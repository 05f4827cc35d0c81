#include "listener.h"
#include "../common/alloc.h"
#include "../common/connector.h"
#include "limits.h"
#include "session.h"
#include <netdb.h>
#include <stdlib.h>

enum { BACKLOG = 4096 };

struct listener {
    uv_tcp_t tcp;
    server_t *server;
    size_t most; /* sessions */
    bool full;   /* said so in the log */
};

/* Who is refused may take its time to hear it, but a crowd of them must leave descriptors for the store. */
static void refuse(const listener_t *listener, session_t *session)
{
    bool crowd = listener->server->session_count > listener->most + LIMIT_SPARE_FILES / 2;

    session_write(session, "The server is full. Try again later.\n");
    if (crowd)
        session_close_now(session);
    else
        session_end(session, ERR_BUSY);
}

static void on_connection(uv_stream_t *stream, int status)
{
    listener_t *listener = stream->data;
    server_t *server = listener->server;

    if (status != 0) {
        log_warning(server->log, "accept_failed", "why=%s", uv_strerror(status));
        return;
    }
    session_t *session = session_accept(server, stream);
    if (!session)
        return;
    bool full = server->session_count > listener->most;
    if (full && !listener->full)
        log_warning(server->log, "server_full", "sessions=%zu", server->session_count);
    listener->full = full;
    if (full)
        refuse(listener, session);
    else
        session_greet(session);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Numbers and names; blocks for a name, once at the start. */
static int bind_to(listener_t *listener, const char *host, int port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char service[16];

    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return UV_EAI_NONAME;
    int err = uv_tcp_bind(&listener->tcp, found->ai_addr, 0);
    if (err == 0)
        connector_tune(&listener->tcp); /* what it accepts inherits it, and is spared seven system calls */
    freeaddrinfo(found);
    return err;
}

err_t listener_start(server_t *server, const char *host, int port, listener_t **out)
{
    listener_t *listener = alloc_new(listener_t);
    size_t files = daemon_raise_file_limit();

    listener->server = server;
    listener->most = files > 2 * LIMIT_SPARE_FILES ? files - LIMIT_SPARE_FILES : LIMIT_SPARE_FILES;
    uv_tcp_init(server->loop, &listener->tcp);
    listener->tcp.data = listener;
    int err = bind_to(listener, host, port);
    if (err == 0)
        err = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    if (err != 0) {
        log_error(server->log, "listen_failed", "host=%s port=%d why=%s", host, port, uv_strerror(err));
        listener_close(listener);
        return ERR_IO;
    }
    *out = listener;
    return ERR_OK;
}

int listener_port(const listener_t *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address = {0};
    int length = sizeof address;

    if (uv_tcp_getsockname(&listener->tcp, &address.any, &length) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void listener_close(listener_t *listener)
{
    if (listener)
        uv_close((uv_handle_t *)&listener->tcp, on_closed);
}
