/* Asks the message API now and then whether its store answers. */
#ifndef P2P_STORE_WATCH_H
#define P2P_STORE_WATCH_H
#include "endpoint.h"
#include <uv.h>

typedef enum { STORE_UNKNOWN, STORE_ANSWERS, STORE_AWAY } store_state_t;

typedef struct store_watch store_watch_t;

typedef void (*store_watch_cb)(void *context, store_state_t state); /* when it has changed */

/* Begins with STORE_UNKNOWN. GET /health needs no token. */
store_watch_t *store_watch_new(uv_loop_t *loop, store_watch_cb on_change, void *context);
/* Asks there, at once and then every 5 s; NULL: the API is not up, so nothing is known. */
void store_watch_at(store_watch_t *watch, const endpoint_t *api);
/* No callback after this; frees itself when its handles are closed. Accepts NULL. */
void store_watch_close(store_watch_t *watch);

#endif
