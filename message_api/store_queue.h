/* The store's threads and what waits for them: one writer, which takes all that waits as one batch (group
 * commit), and some readers. Requests come from the loop and are answered on the loop, each exactly once.
 * Bounded by count and bytes; a request that was not done within the deadline is answered
 * ERR_STORE_UNAVAILABLE, and not begun any more. */
#ifndef P2P_STORE_QUEUE_H
#define P2P_STORE_QUEUE_H
#include "store_backend.h"

typedef struct {
    size_t requests;
    size_t bytes;
    unsigned deadline_ms;
} store_queue_limits_t;

typedef struct store_queue store_queue_t;

/* Owns the backend's state from success on: it is closed by the last thread. ERR_IO when the loop has no
 * handle left. */
err_t store_queue_open(uv_loop_t *loop, const store_backend_t *backend, void *state,
                       const store_queue_limits_t *limits, store_queue_t **out);
/* On the loop. Owns the request from success on. ERR_BUSY, ERR_CLOSED. */
err_t store_queue_submit(store_queue_t *queue, store_request_t *request);
/* See store_close. `closed` fires when the handles are closed; the queue is freed then. */
void store_queue_close(store_queue_t *queue, store_closed_cb closed, void *context);

#endif
