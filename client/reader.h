/* The input of a filter: lines from a pipe, a file or a terminal without line editing. The owner can refuse a
 * line for now; then nothing more is read until reader_resume. */
#ifndef P2P_CLIENT_READER_H
#define P2P_CLIENT_READER_H
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct reader reader_t;

typedef struct {
    /* False: not now; the same line comes again after reader_resume. number counts from 1. */
    bool (*on_line)(void *context, const char *line, size_t length, size_t number);
    void (*on_too_long)(void *context, size_t number);
    void (*on_end)(void *context); /* once; also after a read error */
    void (*on_closed)(void *context);
} reader_events_t;

/* limit: bytes of a line. Nothing is read before the first reader_resume. */
reader_t *reader_open(uv_loop_t *loop, int descriptor, size_t limit, const reader_events_t *events,
                      void *context);
/* Starts, or goes on after a refused line; the events come from the loop. */
void reader_resume(reader_t *reader);
/* No events but on_closed come any more. */
void reader_close(reader_t *reader);

#endif
