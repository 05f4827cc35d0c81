#include "chat_link.h"
#include "alloc.h"
#include "connector.h"
#include "line_reader.h"
#include "output_queue.h"
#include <stdlib.h>
#include <string.h>

/* Section 3 of the design: sent before the server knows that this is no person. */
static const char PROMPT[] = "Enter your username: ";

enum { CONNECT_MS = 10000, READ_BYTES = 64 * 1024 };

struct chat_link {
    const chat_link_events_t *events;
    void *context;
    connector_t *connector; /* until connected */
    uv_tcp_t *tcp;          /* once connected */
    output_turn_t *turn;    /* once connected, like the queue */
    output_queue_t *queue;
    line_reader_t reader;
    uv_idle_t resume; /* lines that waited through a pause are handed out from here */
    uv_shutdown_t shutdown;
    uint64_t heard;
    size_t prompt_seen; /* bytes of PROMPT that came; its size when there is no more to expect */
    bool paused, finishing, shut, closing;
    unsigned pins;
};

static void unpin(chat_link_t *link)
{
    if (--link->pins > 0)
        return;
    line_reader_free(&link->reader);
    free(link);
}

static void on_resume_closed(uv_handle_t *handle)
{
    unpin(handle->data);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    unpin(handle->data);
    free(handle);
}

void chat_link_close(chat_link_t *link)
{
    if (!link || link->closing)
        return;
    link->closing = true;
    connector_cancel(link->connector);
    link->connector = NULL;
    output_queue_free(link->queue);
    link->queue = NULL;
    output_turn_free(link->turn);
    if (link->tcp)
        uv_close((uv_handle_t *)link->tcp, on_tcp_closed);
    uv_close((uv_handle_t *)&link->resume, on_resume_closed);
}

static void down(chat_link_t *link, err_t why)
{
    if (link->closing)
        return;
    chat_link_close(link);
    link->events->on_down(link->context, why);
}

/* A pause or a close may come inside any event, hence the loop's condition. */
static void hand_out_lines(chat_link_t *link)
{
    char *line;
    size_t length;

    while (!link->paused && !link->finishing && !link->closing) {
        line_status_t status = line_reader_next(&link->reader, &line, &length);
        if (status == LINE_NEED_MORE)
            return;
        if (status == LINE_OK)
            link->events->on_line(link->context, line, length);
        else
            link->events->on_line(link->context, NULL, 0);
    }
}

/* A server may leave the prompt out: what does not match it belongs to the first line. */
static void skip_prompt(chat_link_t *link, const char **data, size_t *length)
{
    while (*length > 0 && link->prompt_seen < sizeof(PROMPT) - 1) {
        if (**data != PROMPT[link->prompt_seen]) {
            link->prompt_seen = sizeof(PROMPT) - 1;
            return;
        }
        link->prompt_seen++;
        (*data)++;
        (*length)--;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(alloc_bytes(READ_BYTES), READ_BYTES);
}

static void take(chat_link_t *link, const char *data, size_t length)
{
    link->heard = uv_now(link->resume.loop);
    skip_prompt(link, &data, &length);
    if (length == 0 || link->finishing)
        return;
    if (line_reader_feed(&link->reader, data, length) != ERR_OK)
        down(link, ERR_NO_MEMORY);
    else
        hand_out_lines(link);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    chat_link_t *link = stream->data;

    if (count > 0)
        take(link, buffer->base, (size_t)count);
    else if (count < 0)
        down(link, count == UV_ETIMEDOUT ? ERR_TIMEOUT : ERR_CLOSED);
    free(buffer->base);
}

static void set_reading(chat_link_t *link)
{
    if (!link->tcp)
        return;
    if (link->paused && !link->finishing)
        uv_read_stop((uv_stream_t *)link->tcp);
    else
        uv_read_start((uv_stream_t *)link->tcp, on_alloc, on_read);
}

static void shut_when_written(chat_link_t *link)
{
    if (link->shut || output_queue_bytes(link->queue) > 0)
        return;
    link->shut = true;
    if (uv_shutdown(&link->shutdown, (uv_stream_t *)link->tcp, NULL) != 0)
        down(link, ERR_CLOSED);
}

static void on_overflow(void *context)
{
    down(context, ERR_TOO_SLOW);
}

static void on_write_error(void *context, int uv_err)
{
    down(context, uv_err == UV_ETIMEDOUT ? ERR_TIMEOUT : ERR_CLOSED);
}

static void on_drain(void *context)
{
    chat_link_t *link = context;

    if (link->finishing)
        shut_when_written(link);
    else
        link->events->on_drain(link->context);
}

static void on_connected(void *context, err_t err, uv_tcp_t *tcp)
{
    static const output_events_t events = {on_overflow, on_write_error, on_drain};
    chat_link_t *link = context;

    link->connector = NULL;
    if (err != ERR_OK) {
        down(link, err);
        return;
    }
    link->tcp = tcp;
    link->pins++;
    tcp->data = link;
    link->heard = uv_now(tcp->loop);
    link->turn = output_turn_new(tcp->loop, OUTPUT_LIMITS_DEFAULT, &events);
    link->queue = output_queue_new(link->turn, (uv_stream_t *)tcp, link);
    set_reading(link);
    link->events->on_open(link->context);
}

chat_link_t *chat_link_open(uv_loop_t *loop, const char *host, int port, size_t line_limit,
                            const chat_link_events_t *events, void *context)
{
    chat_link_t *link = alloc_new(chat_link_t);

    link->events = events;
    link->context = context;
    link->pins = 1;
    line_reader_init(&link->reader, line_limit);
    uv_idle_init(loop, &link->resume);
    link->resume.data = link;
    link->connector = connector_start(loop, host, port, CONNECT_MS, on_connected, link);
    return link;
}

void chat_link_finish(chat_link_t *link)
{
    link->finishing = true;
    set_reading(link);
    /* What is queued in this very turn is not counted as written yet; on_drain comes for it. */
    shut_when_written(link);
}

void chat_link_set_line_limit(chat_link_t *link, size_t bytes)
{
    link->reader.limit = bytes;
}

static void on_resume(uv_idle_t *handle)
{
    uv_idle_stop(handle);
    hand_out_lines(handle->data);
}

void chat_link_pause(chat_link_t *link, bool pause)
{
    if (link->closing || link->paused == pause)
        return;
    link->paused = pause;
    set_reading(link);
    if (!pause) {
        link->heard = uv_now(link->resume.loop);
        uv_idle_start(&link->resume, on_resume);
    }
}

buffer_t *chat_link_buffer(chat_link_t *link)
{
    return output_queue_buffer(link->queue);
}

void chat_link_flush(chat_link_t *link)
{
    output_queue_flush(link->queue);
}

size_t chat_link_bytes(const chat_link_t *link)
{
    return link->queue ? output_queue_bytes(link->queue) : 0;
}

uint64_t chat_link_heard(const chat_link_t *link)
{
    return link->heard;
}
