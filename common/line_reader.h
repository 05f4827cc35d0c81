/* Incremental framing: bytes in, lines out. Pure, no sockets. A line ends in LF or CRLF.
 * A line longer than the limit is skipped to its end and reported once as TOO_LONG; reading goes on behind
 * it. */
#ifndef P2P_LINE_READER_H
#define P2P_LINE_READER_H
#include "buffer.h"
#include <stdbool.h>

typedef enum {
    LINE_NEED_MORE, /* nothing whole is left */
    LINE_OK,        /* *line, *length: without the line end; NUL-terminated; may hold NULs inside */
    LINE_TOO_LONG,  /* a line was skipped */
} line_status_t;

typedef struct {
    buffer_t pending;
    size_t start;   /* first byte not yet handed out */
    size_t scanned; /* bytes behind start already searched for LF */
    size_t limit;   /* bytes of one line without its end */
    bool skipping;
} line_reader_t;

void line_reader_init(line_reader_t *reader, size_t limit);
void line_reader_free(line_reader_t *reader);
/* Forgets what waits; keeps memory that is not large. */
void line_reader_reset(line_reader_t *reader);
/* Takes the bytes in (copies). ERR_NO_MEMORY only. Call line_reader_next until NEED_MORE behind every feed:
 * then memory stays under limit + the size of one feed. */
err_t line_reader_feed(line_reader_t *reader, const char *data, size_t length);
/* The next whole line. *line is writable and valid until the next call of feed, next or finish. */
line_status_t line_reader_next(line_reader_t *reader, char **line, size_t *length);
/* Takes what waits without a line end as a line (end of stream, or silence). NEED_MORE when nothing waits. */
line_status_t line_reader_finish(line_reader_t *reader, char **line, size_t *length);
/* Bytes that wait for their line end; more than the limit while a line is being skipped. */
size_t line_reader_pending(const line_reader_t *reader);

#endif
