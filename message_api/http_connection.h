/* The open connections of the HTTP server and how long each may take: a peer that opens a connection and sends a
 * byte now and then, or reads its answer so, is cut off. Works on libmicrohttpd's sockets by shutdown(2), upon which
 * it closes them itself. */
#ifndef P2P_HTTP_CONNECTION_H
#define P2P_HTTP_CONNECTION_H
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CONNECTION_NEW,     /* nothing was asked yet */
    CONNECTION_READING, /* a request has begun */
    CONNECTION_WAITING, /* for us: no limit here, the store has its own */
    CONNECTION_WRITING, /* the peer reads the answer */
    CONNECTION_IDLE,    /* between two requests */
} connection_phase_t;

typedef struct http_connection {
    struct http_connection *next, *previous;
    int socket; /* libmicrohttpd's */
    connection_phase_t phase;
    uint64_t deadline; /* milliseconds of the loop's clock; UINT64_MAX = none */
} http_connection_t;

typedef struct {
    http_connection_t *first;
    size_t count;
} http_connections_t;

http_connection_t *http_connections_add(http_connections_t *list, int socket, uint64_t now);
/* Removes and frees. */
void http_connections_remove(http_connections_t *list, http_connection_t *connection);
void http_connection_enter(http_connection_t *connection, connection_phase_t phase, uint64_t now);
/* Cuts off those that are past their deadline; returns how many. */
size_t http_connections_cut_late(http_connections_t *list, uint64_t now);
/* Cuts off those that have no request under way. */
void http_connections_cut_idle(http_connections_t *list);

#endif
