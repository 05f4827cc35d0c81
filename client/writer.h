/* An output of a filter: a pipe, a file, a terminal. Never blocks the loop on a pipe; the owner sees how much
 * has really been written, and acknowledges messages only then. */
#ifndef P2P_CLIENT_WRITER_H
#define P2P_CLIENT_WRITER_H
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef struct writer writer_t;

typedef struct {
    void (*on_written)(void *context); /* writer_written has grown */
    void (*on_error)(void *context);   /* nothing more can be written; once */
    void (*on_closed)(void *context);
} writer_events_t;

writer_t *writer_open(uv_loop_t *loop, int descriptor, const writer_events_t *events, void *context);
/* Drops what isn't written; on_closed follows. The descriptor stays open, in its former mode. */
void writer_close(writer_t *writer);
/* Copies. Written later, from the loop. Ignored after an error. */
void writer_write(writer_t *writer, const char *data, size_t length);
/* Bytes since the start. */
uint64_t writer_queued(const writer_t *writer);
uint64_t writer_written(const writer_t *writer);

#endif
