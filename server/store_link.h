/* A kept connection of plain HTTP/1.1 to a message API on this machine, for what goes there with every message: one
 * POST at a time, without what a library that can do everything costs each of them. */
#ifndef P2P_SERVER_STORE_LINK_H
#define P2P_SERVER_STORE_LINK_H
#include "../common/buffer.h"
#include "../common/http_client.h"

typedef struct store_link store_link_t;

/* base: http://127.x.x.x:PORT. NULL for every other address: that is http_client's. The token may be "". */
store_link_t *store_link_new(uv_loop_t *loop, const char *base, const char *token);
/* A call that is under way gets ERR_CLOSED before this returns. NULL is fine. */
void store_link_free(store_link_t *link);
/* None is under way. Copies the body. Connects when it must, and once more when the connection that was kept turns out
 * to be gone. on_done comes once, from the loop, never inside the call. */
void store_link_post(store_link_t *link, const char *path, const buffer_t *body, uint64_t timeout_ms,
                     http_done_cb on_done, void *context);

#endif
