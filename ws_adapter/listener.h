/* The listening socket. The library could listen by itself, but not count its connections, nor wait when
 * there are no descriptors left. */
#ifndef P2P_WS_LISTENER_H
#define P2P_WS_LISTENER_H
#include "common/error.h"
#include "common/log.h"
#include <uv.h>

typedef struct listener listener_t;
/* A connection, non-blocking, now the callee's. */
typedef void (*listener_cb)(void *context, int descriptor);

/* The reason of an error is in the log. */
err_t listener_start(uv_loop_t *loop, const char *host, int port, const log_t *log, listener_cb on_connection,
                     void *context, listener_t **out);
int listener_port(const listener_t *listener);
/* Once a second: goes on after there were no descriptors left. */
void listener_tick(listener_t *listener);
/* Frees itself. NULL is allowed. */
void listener_close(listener_t *listener);

#endif
