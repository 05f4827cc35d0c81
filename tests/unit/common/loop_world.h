/* A real loop with a time limit, and a peer with real sockets on loopback whose words the test writes. Whoever
 * waits in vain fails; a world that is closed has no handle left. */
#ifndef P2P_LOOP_WORLD_H
#define P2P_LOOP_WORLD_H
#include "common/alloc.h"
#include "common/buffer.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

enum { WORLD_LIMIT_S = 30, WORLD_TICK_MS = 5 };

typedef struct {
    uv_loop_t loop;
    uv_timer_t tick; /* wakes the loop, so that conditions are looked at */
} world_t;

static inline void world_on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static inline void world_init(world_t *world)
{
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->tick);
    uv_timer_start(&world->tick, world_on_tick, WORLD_TICK_MS, WORLD_TICK_MS);
}

#define RUN_UNTIL(world, condition)                                                                          \
    do {                                                                                                     \
        uint64_t end_ = uv_hrtime() + WORLD_LIMIT_S * UINT64_C(1000000000);                                  \
        while (!(condition)) {                                                                               \
            if (uv_hrtime() > end_)                                                                          \
                fail_msg("in vain: %s", #condition);                                                         \
            uv_run(&(world)->loop, UV_RUN_ONCE);                                                             \
        }                                                                                                    \
    } while (0)

/* Turns of the loop in which something must not happen. */
static inline void world_run_for(world_t *world, uint64_t ms)
{
    uint64_t end = uv_hrtime() + ms * 1000000;
    do
        uv_run(&world->loop, UV_RUN_ONCE);
    while (uv_hrtime() < end);
}

static inline void world_close(world_t *world)
{
    uv_close((uv_handle_t *)&world->tick, NULL);
    RUN_UNTIL(world, !uv_loop_alive(&world->loop));
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

/* ---- the peer ---- */

typedef struct peer peer_t;

typedef struct connection {
    uv_tcp_t tcp;
    peer_t *peer;
    struct connection *next; /* older */
    buffer_t got;            /* what came and was not taken yet */
    size_t received;         /* bytes in all */
    bool ended;              /* the other side has ended, or reset */
    void *data;              /* the test's */
} connection_t;

struct peer {
    uv_tcp_t listener;
    int port;
    unsigned accepted;
    connection_t *connections; /* the newest first */
    void (*on_bytes)(connection_t *connection);
    bool mute; /* new connections are not read */
};

static inline void connection_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle;
    *out = uv_buf_init(alloc_bytes(suggested), (unsigned)suggested);
}

static inline void connection_on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    connection_t *connection = (connection_t *)stream;
    if (count > 0) {
        connection->received += (size_t)count;
        buffer_append(&connection->got, bytes->base, (size_t)count);
    }
    free(bytes->base);
    if (count < 0) {
        connection->ended = true;
        uv_read_stop(stream);
    } else if (count > 0 && connection->peer->on_bytes) {
        connection->peer->on_bytes(connection);
    }
}

static inline void connection_read(connection_t *connection)
{
    uv_read_start((uv_stream_t *)&connection->tcp, connection_on_alloc, connection_on_read);
}

static inline void peer_on_connection(uv_stream_t *listener, int status)
{
    peer_t *peer = listener->data;
    connection_t *connection = alloc_new(connection_t);
    assert_int_equal(status, 0);
    connection->peer = peer;
    buffer_init(&connection->got, 0);
    uv_tcp_init(listener->loop, &connection->tcp);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->tcp), 0);
    connection->next = peer->connections;
    peer->connections = connection;
    peer->accepted++;
    if (!peer->mute)
        connection_read(connection);
}

/* port 0 takes a free one. */
static inline void peer_listen(peer_t *peer, uv_loop_t *loop, int port)
{
    struct sockaddr_in address;
    int length = sizeof address;
    *peer = (peer_t){0};
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(loop, &peer->listener);
    peer->listener.data = peer;
    assert_int_equal(uv_tcp_bind(&peer->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&peer->listener, 16, peer_on_connection), 0);
    uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&address, &length);
    peer->port = ntohs(address.sin_port);
}

typedef struct {
    uv_write_t request;
    char *data;
} peer_write_t;

static inline void peer_on_written(uv_write_t *request, int status)
{
    (void)status;
    free(((peer_write_t *)request)->data);
    free(request);
}

static inline void connection_write(connection_t *connection, const char *data, size_t length)
{
    peer_write_t *write = alloc_new(peer_write_t);
    write->data = alloc_string_n(data, length);
    uv_buf_t bytes = uv_buf_init(write->data, (unsigned)length);
    if (uv_write(&write->request, (uv_stream_t *)&connection->tcp, &bytes, 1, peer_on_written) != 0)
        peer_on_written(&write->request, -1);
}

static inline void connection_say(connection_t *connection, const char *text)
{
    connection_write(connection, text, strlen(text));
}

static inline void connection_on_closed(uv_handle_t *handle)
{
    connection_t *connection = (connection_t *)handle;
    buffer_free(&connection->got);
    free(connection);
}

/* The connection is gone then. reset: with RST instead of FIN. */
static inline void connection_close(connection_t *connection, bool reset)
{
    connection_t **link = &connection->peer->connections;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    if (!reset || uv_tcp_close_reset(&connection->tcp, connection_on_closed) != 0)
        uv_close((uv_handle_t *)&connection->tcp, connection_on_closed);
}

static inline void peer_close(peer_t *peer)
{
    while (peer->connections)
        connection_close(peer->connections, false);
    uv_close((uv_handle_t *)&peer->listener, NULL);
}

#endif
