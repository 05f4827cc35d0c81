#include "child.h"
#include "../common/alloc.h"
#include "../common/line_reader.h"
#include "../common/text.h"
#include "spawn.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_LINE_LIMIT = 4096, /* of lines that are looked at; the log takes any */
    CHILD_LAST_LINE = 300,   /* bytes kept of the last line */
    CHILD_CHUNK = 64 * 1024,
    CHILD_LAST_CHUNKS = 64, /* read at its end at most; a pipe holds one */
};

typedef struct {
    child_t *child;
    uv_pipe_t pipe;
    line_reader_t reader;
    char last_line[CHILD_LAST_LINE + 1];
    bool closing;
} stream_t;

enum { OUTPUT, ERRORS, STREAM_COUNT };

struct child {
    pid_t pid;
    bool reaped, ready;
    int wait_status;
    int open_streams;
    stream_t streams[STREAM_COUNT];
    char chunk[CHILD_CHUNK];
    log_file_t *log;
    child_events_t events;
    void *context;
};

static void write_log(child_t *child, const char *data, size_t length)
{
    int before = child->log->error;
    log_file_write(child->log, data, length);
    if (before != child->log->error)
        child->events.on_log(child->context);
}

static void take_line(stream_t *stream, const char *line, size_t length)
{
    child_t *child = stream->child;
    ready_line_t ready;
    if (stream == &child->streams[OUTPUT] && !child->ready && ready_line_parse(line, &ready)) {
        child->ready = true;
        child->events.on_ready(child->context, &ready);
    } else if (length > 0) {
        size_t kept = text_cut(line, length, CHILD_LAST_LINE);
        memcpy(stream->last_line, line, kept);
        stream->last_line[kept] = '\0';
    }
}

static void take_bytes(stream_t *stream, const char *data, size_t length)
{
    char *line;
    size_t line_length;
    line_status_t status;

    write_log(stream->child, data, length);
    if (line_reader_feed(&stream->reader, data, length) != ERR_OK)
        return;
    while ((status = line_reader_next(&stream->reader, &line, &line_length)) != LINE_NEED_MORE) {
        if (status == LINE_OK)
            take_line(stream, line, line_length);
    }
}

static void report_end(child_t *child)
{
    const char *raw = child->streams[ERRORS].last_line;
    if (*raw == '\0')
        raw = child->streams[OUTPUT].last_line;
    buffer_t printable;
    buffer_init(&printable, 0);
    text_append_printable(&printable, raw, strlen(raw), false);

    bool exited = WIFEXITED(child->wait_status);
    child_end_t end = {
        .status = exited ? WEXITSTATUS(child->wait_status) : -1,
        .signal = exited ? 0 : WTERMSIG(child->wait_status),
        .last_line = buffer_text(&printable),
    };
    child->events.on_ended(child->context, &end);
    buffer_free(&printable);
}

static void end_when_all_is_gone(child_t *child)
{
    if (!child->reaped || child->open_streams > 0)
        return;
    report_end(child);
    for (int i = 0; i < STREAM_COUNT; i++)
        line_reader_free(&child->streams[i].reader);
    free(child);
}

static void on_stream_closed(uv_handle_t *handle)
{
    stream_t *stream = handle->data;
    stream->child->open_streams--;
    end_when_all_is_gone(stream->child);
}

static void close_stream(stream_t *stream)
{
    char *line;
    size_t length;
    if (stream->closing)
        return;
    stream->closing = true;
    if (line_reader_finish(&stream->reader, &line, &length) == LINE_OK)
        take_line(stream, line, length);
    uv_close((uv_handle_t *)&stream->pipe, on_stream_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    stream_t *stream = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(stream->child->chunk, CHILD_CHUNK);
}

static void on_read(uv_stream_t *pipe, ssize_t count, const uv_buf_t *buffer)
{
    stream_t *stream = pipe->data;
    if (count > 0)
        take_bytes(stream, buffer->base, (size_t)count);
    else if (count < 0)
        close_stream(stream);
}

/* The process is gone, but what it said last may still be in the pipe; and if it left children of its own, the
 * pipe's end will never come. */
static void drain_stream(stream_t *stream)
{
    uv_os_fd_t descriptor;
    if (stream->closing || uv_fileno((uv_handle_t *)&stream->pipe, &descriptor) != 0)
        return;
    for (int i = 0; i < CHILD_LAST_CHUNKS; i++) {
        ssize_t count = read(descriptor, stream->child->chunk, CHILD_CHUNK);
        if (count > 0)
            take_bytes(stream, stream->child->chunk, (size_t)count);
        else if (count == 0 || errno != EINTR)
            break;
    }
    close_stream(stream);
}

void child_reap(child_t *child)
{
    if (child->reaped || waitpid(child->pid, &child->wait_status, WNOHANG) != child->pid)
        return;
    child->reaped = true;
    for (int i = 0; i < STREAM_COUNT; i++)
        drain_stream(&child->streams[i]);
    end_when_all_is_gone(child);
}

static void open_stream(child_t *child, uv_loop_t *loop, int index, int descriptor)
{
    stream_t *stream = &child->streams[index];
    stream->child = child;
    line_reader_init(&stream->reader, CHILD_LINE_LIMIT);
    uv_pipe_init(loop, &stream->pipe, 0);
    stream->pipe.data = stream;
    child->open_streams++;
    if (uv_pipe_open(&stream->pipe, descriptor) != 0) {
        close(descriptor);
        close_stream(stream);
        return;
    }
    uv_read_start((uv_stream_t *)&stream->pipe, on_alloc, on_read);
}

int child_start(uv_loop_t *loop, const child_options_t *options, const child_events_t *events, void *context,
                child_t **out)
{
    spawned_t spawned;
    int why = spawn(options->path, options->arguments, options->environment, &spawned);
    if (why != 0)
        return why;
    child_t *child = alloc_new(child_t);
    child->pid = spawned.pid;
    child->log = options->log;
    child->events = *events;
    child->context = context;
    open_stream(child, loop, OUTPUT, spawned.output);
    open_stream(child, loop, ERRORS, spawned.errors);
    *out = child;
    return 0;
}

int child_pid(const child_t *child)
{
    return child->pid;
}

void child_signal(child_t *child, int number)
{
    /* Once reaped, the number may be another process. */
    if (!child->reaped)
        kill(child->pid, number);
}
