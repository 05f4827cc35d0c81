#include "line_reader.h"
#include <string.h>

/* An idle reader gives back more than this. */
enum { KEEP_BYTES = 16 * 1024 };

void line_reader_init(line_reader_t *reader, size_t limit)
{
    buffer_init(&reader->pending, 0);
    reader->start = reader->scanned = 0;
    reader->limit = limit;
    reader->skipping = false;
}

void line_reader_free(line_reader_t *reader)
{
    buffer_free(&reader->pending);
    reader->start = reader->scanned = 0;
    reader->skipping = false;
}

err_t line_reader_feed(line_reader_t *reader, const char *data, size_t length)
{
    if (length == 0)
        return ERR_OK;
    if (reader->skipping && reader->pending.length == reader->start) {
        /* Nothing of a line too long is kept, but for its end. */
        const char *end = memchr(data, '\n', length);
        if (end == NULL)
            return ERR_OK;
        length -= (size_t)(end - data);
        data = end;
    }
    /* Moves at most the beginning of one line, once a feed and not once a line. */
    if (reader->start > 0) {
        buffer_consume(&reader->pending, reader->start);
        reader->start = 0;
    }
    return buffer_append(&reader->pending, data, length);
}

/* The line of `length` bytes at start, of which `end` more bytes are its LF. */
static line_status_t hand_out(line_reader_t *reader, size_t length, size_t end, char **line,
                              size_t *line_length)
{
    char *text = reader->pending.data + reader->start;
    reader->start += length + end;
    reader->scanned = 0;
    bool skipped = reader->skipping;
    reader->skipping = false;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (skipped || length > reader->limit)
        return LINE_TOO_LONG;
    text[length] = '\0';
    *line = text;
    *line_length = length;
    return LINE_OK;
}

static void empty(line_reader_t *reader)
{
    reader->start = reader->scanned = 0;
    if (reader->pending.capacity > KEEP_BYTES)
        buffer_free(&reader->pending);
    else
        buffer_clear(&reader->pending);
}

void line_reader_reset(line_reader_t *reader)
{
    empty(reader);
    reader->skipping = false;
}

static line_status_t need_more(line_reader_t *reader)
{
    size_t waiting = reader->pending.length - reader->start;
    /* One byte more may be the CR of a line that just fits. */
    if (waiting > reader->limit + 1)
        reader->skipping = true;
    if (reader->skipping || waiting == 0)
        empty(reader);
    return LINE_NEED_MORE;
}

line_status_t line_reader_next(line_reader_t *reader, char **line, size_t *length)
{
    size_t waiting = reader->pending.length - reader->start;
    if (waiting == reader->scanned)
        return need_more(reader);
    char *text = reader->pending.data + reader->start;
    const char *end = memchr(text + reader->scanned, '\n', waiting - reader->scanned);
    if (end == NULL) {
        reader->scanned = waiting;
        return need_more(reader);
    }
    return hand_out(reader, (size_t)(end - text), 1, line, length);
}

line_status_t line_reader_finish(line_reader_t *reader, char **line, size_t *length)
{
    line_status_t status = line_reader_next(reader, line, length);
    if (status != LINE_NEED_MORE)
        return status;
    size_t waiting = reader->pending.length - reader->start;
    if (waiting > 0)
        return hand_out(reader, waiting, 0, line, length);
    if (!reader->skipping)
        return LINE_NEED_MORE;
    reader->skipping = false;
    return LINE_TOO_LONG;
}

size_t line_reader_pending(const line_reader_t *reader)
{
    return reader->skipping ? reader->limit + 1 : reader->pending.length - reader->start;
}
