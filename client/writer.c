#include "writer.h"
#include "common/alloc.h"
#include "common/buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 * 1024 };

struct writer {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } out;
    uv_prepare_t before_wait; /* writes once for all that was queued in a turn */
    uv_write_t request;
    writer_events_t events;
    void *context;
    buffer_t waiting;
    char *chunk; /* taken from `waiting`, written piece by piece */
    size_t chunk_length, chunk_done, piece;
    uint64_t queued, written;
    int descriptor, flags, open_handles;
    bool is_stream, writing, failed, closing;
};

static void fail(writer_t *writer)
{
    if (writer->failed)
        return;
    writer->failed = true;
    buffer_clear(&writer->waiting);
    if (!writer->closing)
        writer->events.on_error(writer->context);
}

static void write_stream(writer_t *writer);

static void on_stream_written(uv_write_t *request, int status)
{
    writer_t *writer = request->data;
    writer->writing = false;
    if (status < 0) {
        fail(writer);
        return;
    }
    writer->chunk_done += writer->piece;
    writer->written += writer->piece;
    if (writer->closing)
        return;
    if (writer->chunk_done < writer->chunk_length)
        write_stream(writer);
    writer->events.on_written(writer->context);
}

/* In small pieces: what a slow reader has taken counts, without all that waits behind it. */
static void write_stream(writer_t *writer)
{
    if (writer->writing)
        return;
    if (writer->chunk_done == writer->chunk_length) {
        free(writer->chunk);
        writer->chunk = buffer_take(&writer->waiting, &writer->chunk_length);
        writer->chunk_done = 0;
    }
    size_t rest = writer->chunk_length - writer->chunk_done;
    writer->piece = rest < PIECE_BYTES ? rest : PIECE_BYTES;
    uv_buf_t data = uv_buf_init(writer->chunk + writer->chunk_done, (unsigned)writer->piece);
    writer->request.data = writer;
    writer->writing = uv_write(&writer->request, &writer->out.stream, &data, 1, on_stream_written) == 0;
    if (!writer->writing)
        fail(writer);
}

/* Files don't block; a terminal does only while its owner wants it to. */
static void write_plainly(writer_t *writer)
{
    size_t done = 0;
    while (done < writer->waiting.length) {
        ssize_t count = write(writer->descriptor, writer->waiting.data + done, writer->waiting.length - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            fail(writer);
            return;
        }
        done += (size_t)count;
    }
    writer->written += done;
    buffer_clear(&writer->waiting);
    writer->events.on_written(writer->context);
}

static void on_before_wait(uv_prepare_t *handle)
{
    writer_t *writer = handle->data;
    if (writer->failed || writer->waiting.length == 0)
        return;
    if (writer->is_stream)
        write_stream(writer);
    else
        write_plainly(writer);
}

static bool open_stream(writer_t *writer, uv_loop_t *loop)
{
    switch (uv_guess_handle(writer->descriptor)) {
    case UV_NAMED_PIPE:
        return uv_pipe_init(loop, &writer->out.pipe, 0) == 0 &&
               uv_pipe_open(&writer->out.pipe, writer->descriptor) == 0;
    case UV_TCP:
        return uv_tcp_init(loop, &writer->out.tcp) == 0 &&
               uv_tcp_open(&writer->out.tcp, writer->descriptor) == 0;
    default:
        return false;
    }
}

writer_t *writer_open(uv_loop_t *loop, int descriptor, const writer_events_t *events, void *context)
{
    writer_t *writer = alloc_new(writer_t);
    writer->events = *events;
    writer->context = context;
    writer->descriptor = descriptor;
    writer->flags = fcntl(descriptor, F_GETFL);
    buffer_init(&writer->waiting, 0);
    writer->is_stream = open_stream(writer, loop);
    writer->open_handles = writer->is_stream ? 2 : 1;
    writer->out.handle.data = writer;
    uv_prepare_init(loop, &writer->before_wait);
    writer->before_wait.data = writer;
    uv_prepare_start(&writer->before_wait, on_before_wait);
    return writer;
}

static void on_handle_closed(uv_handle_t *handle)
{
    writer_t *writer = handle->data;
    if (--writer->open_handles > 0)
        return;
    writer_events_t events = writer->events;
    void *context = writer->context;
    if (writer->flags >= 0)
        fcntl(writer->descriptor, F_SETFL, writer->flags); /* others may share the pipe */
    buffer_free(&writer->waiting);
    free(writer->chunk);
    free(writer);
    events.on_closed(context);
}

void writer_close(writer_t *writer)
{
    if (writer->closing)
        return;
    writer->closing = true;
    if (writer->is_stream)
        uv_close(&writer->out.handle, on_handle_closed);
    uv_close((uv_handle_t *)&writer->before_wait, on_handle_closed);
}

void writer_write(writer_t *writer, const char *data, size_t length)
{
    if (writer->failed || writer->closing)
        return;
    buffer_append(&writer->waiting, data, length);
    writer->queued += length;
}

uint64_t writer_queued(const writer_t *writer)
{
    return writer->queued;
}

uint64_t writer_written(const writer_t *writer)
{
    return writer->written;
}
