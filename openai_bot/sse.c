#include "sse.h"
#include <string.h>

static const char MARK[] = "\xEF\xBB\xBF";

void sse_init(sse_t *sse, size_t limit)
{
    memset(sse, 0, sizeof(*sse));
    buffer_init(&sse->line, limit);
    buffer_init(&sse->data, limit);
}

void sse_free(sse_t *sse)
{
    buffer_free(&sse->line);
    buffer_free(&sse->data);
}

static err_t end_event(sse_t *sse, sse_event_cb on_event, void *context)
{
    bool go_on = true;

    if (sse->has_data)
        go_on = on_event(context, buffer_text(&sse->data), sse->data.length);
    buffer_clear(&sse->data);
    sse->has_data = false;
    return go_on ? ERR_OK : ERR_CLOSED;
}

static err_t add_data(sse_t *sse, const char *value, size_t length)
{
    err_t err = sse->has_data ? buffer_append_char(&sse->data, '\n') : ERR_OK;

    sse->has_data = true;
    return err == ERR_OK ? buffer_append(&sse->data, value, length) : err;
}

static err_t end_line(sse_t *sse, sse_event_cb on_event, void *context)
{
    const char *line = buffer_text(&sse->line);
    size_t length = sse->line.length;

    if (!sse->started && length >= 3 && memcmp(line, MARK, 3) == 0) {
        line += 3;
        length -= 3;
    }
    sse->started = true;
    if (length == 0)
        return end_event(sse, on_event, context);
    const char *colon = memchr(line, ':', length);
    size_t name = colon ? (size_t)(colon - line) : length;
    if (name != 4 || memcmp(line, "data", 4) != 0)
        return ERR_OK;
    const char *value = colon ? colon + 1 : line + length;
    if (value < line + length && *value == ' ')
        value++;
    return add_data(sse, value, (size_t)(line + length - value));
}

err_t sse_feed(sse_t *sse, const char *bytes, size_t length, sse_event_cb on_event, void *context)
{
    const char *at = bytes, *end = bytes + length;

    while (at < end) {
        if (sse->after_cr && *at == '\n')
            at++;
        sse->after_cr = false;
        const char *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        err_t err = buffer_append(&sse->line, at, (size_t)(stop - at));
        if (err == ERR_OK && stop < end) {
            sse->after_cr = *stop == '\r';
            err = end_line(sse, on_event, context);
            buffer_clear(&sse->line);
            stop++;
        }
        if (err != ERR_OK)
            return err;
        at = stop;
    }
    return ERR_OK;
}
