/* The HTTP server: libmicrohttpd on the loop (its epoll descriptor in a uv_poll). Owns the connections and the
 * calls on them, and bounds both: connections, bytes of bodies, time. */
#ifndef P2P_HTTP_SERVER_H
#define P2P_HTTP_SERVER_H
#include "../common/error.h"
#include "../common/log.h"
#include "http_call.h"
#include "http_connection.h"
#include <uv.h>

typedef struct {
    const char *host;
    int port;              /* 0 takes a free one */
    const char *token;     /* "" = no call needs one; not owned */
    const route_t *routes; /* not owned */
    size_t route_count;
    size_t body_bytes[ROUTE_BATCH + 1]; /* the largest body of each kind */
    size_t all_body_bytes;              /* of all calls at once */
    size_t all_answer_bytes;            /* unsent ones; with more no call is begun */
    size_t connections;
    void *context; /* for handlers */
    const log_t *log;
} http_options_t;

typedef struct http_server http_server_t;
typedef void (*http_closed_cb)(void *context);

/* Listens. ERR_RESOLVE or ERR_IO; the reason is in the log. */
err_t http_server_open(uv_loop_t *loop, const http_options_t *options, http_server_t **out);
int http_server_port(const http_server_t *server);
/* Takes no more connections, cuts off idle ones; every answer from now on is the last one on its connection. */
void http_server_drain(http_server_t *server);
/* Once every call is answered: waits at most linger_ms for the answers to be written, closes everything and frees
 * the server; then `closed` fires. */
void http_server_close(http_server_t *server, uint64_t linger_ms, http_closed_cb closed, void *context);

/* --- for http_call --- */

struct http_server {
    uv_loop_t *loop;
    http_options_t options;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t wakeup;  /* libmicrohttpd's own timeouts */
    uv_timer_t seconds; /* deadlines of the connections */
    unsigned open_handles;
    int port;
    http_connections_t connections;
    size_t body_bytes, answer_bytes; /* held now */
    bool draining, closing;
    bool place_is_free; /* a connection was closed in this run */
    http_closed_cb closed;
    void *closed_context;
};

/* A suspended connection may go on: wakes libmicrohttpd up. */
void http_server_wake(http_server_t *server);

#endif
