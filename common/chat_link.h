/* One TCP connection of a chat client: connects, drops the server's prompt, hands out lines, queues output.
 * Knows nothing of frames. Used by chat_session.c alone. All events come from the loop; inside an event any
 * call is allowed. */
#ifndef P2P_CHAT_LINK_H
#define P2P_CHAT_LINK_H
#include "buffer.h"
#include <stdbool.h>
#include <uv.h>

typedef struct chat_link chat_link_t;

typedef struct {
    void (*on_open)(void *context); /* connected: write now */
    /* A line without its end, NULL for one beyond the limit. Writable, valid during the call. */
    void (*on_line)(void *context, char *line, size_t length);
    void (*on_drain)(void *context); /* all output has gone to the kernel */
    /* The connection failed or ended; the last event: the link frees itself. */
    void (*on_down)(void *context, err_t why);
} chat_link_events_t; /* none may be NULL; lives as long as the link */

/* line_limit: bytes of a line without its end. */
chat_link_t *chat_link_open(uv_loop_t *loop, const char *host, int port, size_t line_limit,
                            const chat_link_events_t *events, void *context);
/* Ends it without an event; frees by itself. NULL is allowed. Not after on_down. */
void chat_link_close(chat_link_t *link);
/* Writes out what is queued, tells the server that it was all, and throws away what still comes until the
 * server has closed too (then on_down): so no byte of ours is lost to a reset. */
void chat_link_finish(chat_link_t *link);

void chat_link_set_line_limit(chat_link_t *link, size_t bytes);
/* No on_line while paused. */
void chat_link_pause(chat_link_t *link, bool pause);
/* Append a frame here, then flush. Only once open. */
buffer_t *chat_link_buffer(chat_link_t *link);
void chat_link_flush(chat_link_t *link);
/* Not yet taken by the kernel. */
size_t chat_link_bytes(const chat_link_t *link);
/* uv_now of the last byte that came, or of the end of the last pause. */
uint64_t chat_link_heard(const chat_link_t *link);

#endif
