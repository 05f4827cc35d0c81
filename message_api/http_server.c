#include "http_server.h"
#include "../common/alloc.h"
#include "../common/tcp_listen.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    SECOND_MS = 1000,
    CONNECTION_MEMORY = 32 * 1024, /* bounds a request's headers */
};

/* --- what libmicrohttpd calls --- */

static void on_log(void *context, const char *format, va_list arguments)
{
    const http_server_t *server = context;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_debug(server->options.log, "http_library", "text=%s", text);
}

static http_connection_t *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    http_server_t *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int socket = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = http_connections_add(&server->connections, socket, uv_now(server->loop));
    } else if (*socket_context != NULL) {
        http_connections_remove(&server->connections, *socket_context);
        *socket_context = NULL;
        server->place_is_free = true;
    }
}

/* The request line is there: the first that is heard of a request. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *mhd)
{
    (void)uri;
    http_server_t *server = context;
    http_connection_t *connection = connection_of(mhd);
    http_connection_enter(connection, CONNECTION_READING, uv_now(server->loop));
    return http_call_new(server, connection, mhd);
}

/* We decode percent escapes ourselves, behind the split of the path: %2F and %00 are no slash and no end. */
static size_t on_unescape(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **call)
{
    (void)context;
    (void)mhd;
    (void)version;
    return *call != NULL ? http_call_step(*call, method, path, upload, upload_size) : MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode code)
{
    (void)mhd;
    http_server_t *server = context;
    http_call_t *call = *request;
    if (call == NULL)
        return;
    log_debug(server->options.log, "request", "route=%s method=%s status=%d ms=%llu complete=%d",
              call->route != NULL ? call->route->pattern : "", call->route != NULL ? call->route->method : "",
              call->status, (unsigned long long)(uv_now(server->loop) - call->started),
              code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    http_connection_enter(call->connection, CONNECTION_IDLE, uv_now(server->loop));
    http_call_free(call, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    *request = NULL;
}

/* --- the loop --- */

static void finish_close(http_server_t *server);

static void on_wakeup(uv_timer_t *timer);

static void run(http_server_t *server)
{
    server->place_is_free = false;
    MHD_run(server->daemon);
    if (server->closing && server->connections.count == 0) {
        finish_close(server);
        return;
    }
    MHD_UNSIGNED_LONG_LONG timeout;
    /* At its limit libmicrohttpd listens no more. It looks whether it may again at the start of a run, and closes
     * connections at the end of one: nothing else might ever start the next. */
    if (server->place_is_free)
        uv_timer_start(&server->wakeup, on_wakeup, 0, 0);
    else if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES)
        uv_timer_start(&server->wakeup, on_wakeup, timeout, 0);
    else
        uv_timer_stop(&server->wakeup);
}

static void on_wakeup(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

void http_server_wake(http_server_t *server)
{
    if (!uv_is_closing((uv_handle_t *)&server->wakeup))
        uv_timer_start(&server->wakeup, on_wakeup, 0, 0);
}

static void on_second(uv_timer_t *timer)
{
    http_server_t *server = timer->data;
    size_t cut = http_connections_cut_late(&server->connections, uv_now(server->loop));
    if (cut > 0)
        log_debug(server->options.log, "connections_timed_out", "count=%zu", cut);
}

/* --- open --- */

static err_t start_daemon(http_server_t *server, int listener)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, server, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->options.connections, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, server,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    return server->daemon != NULL ? ERR_OK : ERR_IO;
}

err_t http_server_open(uv_loop_t *loop, const http_options_t *options, http_server_t **out)
{
    http_server_t *server = alloc_new(http_server_t);
    server->loop = loop;
    server->options = *options;
    tcp_listener_t listener;
    err_t err = tcp_listen(options->host, options->port, BACKLOG, options->log, &listener);
    if (err != ERR_OK)
        goto no_listener;
    server->port = listener.port;
    err = start_daemon(server, listener.descriptor);
    if (err != ERR_OK)
        goto no_daemon;

    int epoll = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (uv_poll_init(loop, &server->poll, epoll) != 0) {
        MHD_stop_daemon(server->daemon); /* closes the listener */
        err = ERR_IO;
        goto no_listener;
    }
    uv_timer_init(loop, &server->wakeup);
    uv_timer_init(loop, &server->seconds);
    server->poll.data = server->wakeup.data = server->seconds.data = server;
    server->open_handles = 3;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    uv_timer_start(&server->seconds, on_second, SECOND_MS, SECOND_MS);
    *out = server;
    return ERR_OK;

no_daemon:
    log_error(options->log, "http_start_failed", "host=%s", options->host);
    close(listener.descriptor);
no_listener:
    free(server);
    return err;
}

int http_server_port(const http_server_t *server)
{
    return server->port;
}

/* --- close --- */

void http_server_drain(http_server_t *server)
{
    server->draining = true;
    MHD_socket listener = MHD_quiesce_daemon(server->daemon);
    if (listener != MHD_INVALID_SOCKET)
        close(listener);
    http_connections_cut_idle(&server->connections);
}

static void on_handle_closed(uv_handle_t *handle)
{
    http_server_t *server = handle->data;
    if (--server->open_handles > 0)
        return;
    http_closed_cb closed = server->closed;
    void *context = server->closed_context;
    free(server);
    if (closed != NULL)
        closed(context);
}

static void finish_close(http_server_t *server)
{
    server->closing = false;
    /* Before libmicrohttpd closes the descriptor under it. */
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->wakeup, on_handle_closed);
    uv_close((uv_handle_t *)&server->seconds, on_handle_closed);
    MHD_stop_daemon(server->daemon);
}

static void on_linger_end(uv_timer_t *timer)
{
    finish_close(timer->data);
}

void http_server_close(http_server_t *server, uint64_t linger_ms, http_closed_cb closed, void *context)
{
    server->closed = closed;
    server->closed_context = context;
    server->closing = true;
    uv_timer_start(&server->seconds, on_linger_end, linger_ms, 0);
    http_server_wake(server);
}
