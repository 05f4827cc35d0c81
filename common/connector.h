/* Opens a TCP connection by host name and port: resolves, tries each address, one deadline for all. The
 * callback comes once, from the loop. */
#ifndef P2P_CONNECTOR_H
#define P2P_CONNECTOR_H
#include "error.h"
#include <uv.h>

typedef struct connector connector_t;
/* On OK *tcp is a connected, heap-allocated uv_tcp_t (nodelay and keepalive set: a dead peer is noticed
 * within 60 s) that now belongs to the callback's owner: uv_close, then free in its callback. */
typedef void (*connector_cb)(void *context, err_t err, uv_tcp_t *tcp);
connector_t *connector_start(uv_loop_t *loop, const char *host, int port, uint64_t timeout_ms,
                             connector_cb on_done, void *context);
/* Cancels without a callback; frees by itself. Not after the callback. */
void connector_cancel(connector_t *connector);
/* nodelay, keepalive and TCP_USER_TIMEOUT for a connected socket, or for a bound one from which those that it accepts
 * inherit them: dead peers are noticed within 60 s (section 9). */
void connector_tune(uv_tcp_t *tcp);

#endif
