/* Server-sent events (WHATWG HTML, "Parsing an event stream"): bytes in, the data of whole events out. Pure and
 * incremental: where the bytes are split makes no difference. Lines end in LF, CRLF or CR; comments and all
 * fields but `data` are skipped; several data lines of one event are joined by newlines; an event that the
 * end of the stream cuts is dropped. */
#ifndef P2P_SSE_H
#define P2P_SSE_H
#include "common/buffer.h"
#include <stdbool.h>

/* data is NUL-terminated behind length and valid during the call. Return false to read no further. */
typedef bool (*sse_event_cb)(void *context, const char *data, size_t length);

typedef struct {
    buffer_t line, data;
    bool has_data;
    bool after_cr; /* an LF now belongs to the line end before */
    bool started;  /* behind the first line, which may begin with a byte order mark */
} sse_t;

/* limit: bytes of one line, and of one event's data. */
void sse_init(sse_t *sse, size_t limit);
void sse_free(sse_t *sse);
/* ERR_TOO_LONG past the limit, ERR_NO_MEMORY, ERR_CLOSED when on_event returned false. After an error the
 * parser is of no more use. */
err_t sse_feed(sse_t *sse, const char *bytes, size_t length, sse_event_cb on_event, void *context);

#endif
