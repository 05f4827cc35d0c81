#include "reader.h"
#include "common/alloc.h"
#include "common/line_reader.h"
#include <fcntl.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 64 * 1024, LINES_PER_TURN = 64 };

struct reader {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
        uv_tty_t tty;
    } in;
    uv_idle_t work; /* runs while lines are to be handed out */
    uv_fs_t request;
    reader_events_t events;
    void *context;
    line_reader_t lines;
    char *held; /* the line that was refused; belongs to `lines` */
    size_t held_length, number;
    int descriptor, flags, open_handles;
    bool is_stream, reading, ended, done, closing;
    char chunk[CHUNK_BYTES];
};

static void free_when_unused(reader_t *reader)
{
    if (reader->open_handles > 0 || (!reader->is_stream && reader->reading))
        return;
    reader_events_t events = reader->events;
    void *context = reader->context;
    if (reader->is_stream && reader->flags >= 0)
        fcntl(reader->descriptor, F_SETFL, reader->flags); /* others may share the pipe */
    line_reader_free(&reader->lines);
    free(reader);
    events.on_closed(context);
}

static void take(reader_t *reader, const char *data, size_t length)
{
    if (line_reader_feed(&reader->lines, data, length) != ERR_OK)
        reader->ended = true;
}

static void on_stream_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    reader_t *reader = stream->data;
    if (count == 0)
        return;
    uv_read_stop(stream);
    reader->reading = false;
    if (count < 0)
        reader->ended = true;
    else
        take(reader, buffer->base, (size_t)count);
    reader_resume(reader);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    reader_t *reader = handle->data;
    *buffer = uv_buf_init(reader->chunk, sizeof reader->chunk);
}

static void on_file_read(uv_fs_t *request)
{
    reader_t *reader = request->data;
    ssize_t count = request->result;
    uv_fs_req_cleanup(request);
    reader->reading = false;
    if (reader->closing) {
        free_when_unused(reader);
        return;
    }
    if (count <= 0)
        reader->ended = true;
    else
        take(reader, reader->chunk, (size_t)count);
    reader_resume(reader);
}

static void read_more(reader_t *reader)
{
    int failed;
    if (reader->is_stream) {
        failed = uv_read_start(&reader->in.stream, on_allocate, on_stream_read);
    } else {
        uv_buf_t data = uv_buf_init(reader->chunk, sizeof reader->chunk);
        reader->request.data = reader;
        failed =
            uv_fs_read(reader->work.loop, &reader->request, reader->descriptor, &data, 1, -1, on_file_read);
    }
    reader->reading = failed == 0;
    reader->ended = failed != 0;
}

/* The next line in the same terms as line_reader_next; a held one first. */
static line_status_t next_line(reader_t *reader, char **line, size_t *length)
{
    if (reader->held) {
        *line = reader->held;
        *length = reader->held_length;
        return LINE_OK;
    }
    line_status_t status = line_reader_next(&reader->lines, line, length);
    if (status == LINE_NEED_MORE && reader->ended)
        status = line_reader_finish(&reader->lines, line, length);
    reader->number += status != LINE_NEED_MORE;
    return status;
}

/* Hands out one line; false when there is nothing to do for now. */
static bool hand_out(reader_t *reader)
{
    char *line = NULL;
    size_t length = 0;
    switch (next_line(reader, &line, &length)) {
    case LINE_OK:
        reader->held = line;
        reader->held_length = length;
        if (!reader->events.on_line(reader->context, line, length, reader->number))
            return false;
        reader->held = NULL;
        return true;
    case LINE_TOO_LONG:
        reader->events.on_too_long(reader->context, reader->number);
        return true;
    default:
        break;
    }
    if (!reader->ended)
        read_more(reader);
    else if (!reader->done) {
        reader->done = true;
        reader->events.on_end(reader->context);
    }
    return reader->ended && !reader->done; /* reading failed: hand out the rest */
}

static void on_work(uv_idle_t *handle)
{
    reader_t *reader = handle->data;
    for (int i = 0; i < LINES_PER_TURN; i++) {
        if (reader->closing)
            return;
        if (!hand_out(reader)) {
            uv_idle_stop(handle);
            return;
        }
    }
}

static bool open_stream(reader_t *reader, uv_loop_t *loop)
{
    switch (uv_guess_handle(reader->descriptor)) {
    case UV_NAMED_PIPE:
        return uv_pipe_init(loop, &reader->in.pipe, 0) == 0 &&
               uv_pipe_open(&reader->in.pipe, reader->descriptor) == 0;
    case UV_TCP:
        return uv_tcp_init(loop, &reader->in.tcp) == 0 &&
               uv_tcp_open(&reader->in.tcp, reader->descriptor) == 0;
    case UV_TTY:
        return uv_tty_init(loop, &reader->in.tty, reader->descriptor, 0) == 0;
    default:
        return false; /* a file or a device: read by a worker thread */
    }
}

reader_t *reader_open(uv_loop_t *loop, int descriptor, size_t limit, const reader_events_t *events,
                      void *context)
{
    reader_t *reader = alloc_new(reader_t);
    reader->events = *events;
    reader->context = context;
    reader->descriptor = descriptor;
    reader->flags = fcntl(descriptor, F_GETFL);
    line_reader_init(&reader->lines, limit);
    reader->is_stream = open_stream(reader, loop);
    reader->open_handles = reader->is_stream ? 2 : 1;
    reader->in.handle.data = reader;
    uv_idle_init(loop, &reader->work);
    reader->work.data = reader;
    return reader;
}

void reader_resume(reader_t *reader)
{
    if (!reader->closing && !reader->reading && !reader->done)
        uv_idle_start(&reader->work, on_work);
}

static void on_handle_closed(uv_handle_t *handle)
{
    reader_t *reader = handle->data;
    reader->open_handles--;
    free_when_unused(reader);
}

void reader_close(reader_t *reader)
{
    if (reader->closing)
        return;
    reader->closing = true;
    if (reader->is_stream)
        uv_close(&reader->in.handle, on_handle_closed);
    uv_close((uv_handle_t *)&reader->work, on_handle_closed);
}
