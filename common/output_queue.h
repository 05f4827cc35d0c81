/* A bounded queue of bytes on their way to one uv_stream_t (TCP). Collects what is queued in one turn of the
 * loop and writes it with one call. Limits of section 9: more than soft_limit bytes for soft_ms without a
 * pause, or hard_limit bytes at once → the owner's on_overflow is called once (from the loop, never inside
 * output_queue_write) and nothing more is taken. Owns the bytes it was given (copies small ones). The stream
 * stays the owner's. */
#ifndef P2P_OUTPUT_QUEUE_H
#define P2P_OUTPUT_QUEUE_H
#include "buffer.h"
#include <stdbool.h>
#include <uv.h>

typedef struct output_queue output_queue_t;
/* What the queues of one loop have in common; it ends each turn with the writing of what they were given. One for
 * many queues: a handle in each of them would be a good part of what an idle connection takes. */
typedef struct output_turn output_turn_t;

typedef struct {
    size_t soft_limit, hard_limit; /* bytes */
    uint64_t soft_ms;
} output_limits_t;
#define OUTPUT_LIMITS_DEFAULT ((output_limits_t){1024 * 1024, 8 * 1024 * 1024, 30000})

typedef struct {
    void (*on_overflow)(void *context);          /* close the session: ERR_TOO_SLOW */
    void (*on_error)(void *context, int uv_err); /* a write failed, or an append (UV_ENOMEM); called once */
    void (*on_drain)(void *context);             /* everything queued has gone to the kernel; may be NULL */
} output_events_t;

/* The events must outlive the queues. */
output_turn_t *output_turn_new(uv_loop_t *loop, output_limits_t limits, const output_events_t *events);
/* When all its queues were freed; frees itself when its handle is closed. NULL is nothing. */
void output_turn_free(output_turn_t *turn);

/* Writes what is worth a system call of its own before the turn ends, when some of it has come together but is in the
 * processor's cache still. Calls owners' events: for the loop's own callbacks, at their end. */
void output_turn_write_large(output_turn_t *turn);

/* The turn is of the stream's loop. */
output_queue_t *output_queue_new(output_turn_t *turn, uv_stream_t *stream, void *context);
/* Stops calling the owner; frees itself when the writes in flight have ended (close the stream soon). */
void output_queue_free(output_queue_t *queue);
/* ERR_TOO_SLOW when the limit is reached, ERR_CLOSED after free/error. */
err_t output_queue_write(output_queue_t *queue, const char *data, size_t length);
/* The same, without a copy of what the kernel takes at once: for one text to very many. No callback comes from it. */
err_t output_queue_write_now(output_queue_t *queue, const char *data, size_t length);
/* The buffer to append frames to without a copy: `frame_write_x(output_queue_buffer(q), …);
 * output_queue_flush(q);` */
buffer_t *output_queue_buffer(output_queue_t *queue);
void output_queue_flush(output_queue_t *queue); /* schedules; the limits are checked here */
/* What was queued in this turn, and what comes behind it, waits for output_queue_release, some 10 to 20 ms at most: more
 * is about to come, for the same write. Does nothing while something is on its way already. */
void output_queue_hold(output_queue_t *queue);
void output_queue_release(output_queue_t *queue);
/* Bytes not taken by the kernel: not yet, or, behind an overflow or an error, never. */
size_t output_queue_bytes(const output_queue_t *queue);

#endif
