#include "session.h"
#include "../common/alloc.h"
#include "limits.h"
#include "server.h"
#include <stdlib.h>

const char *session_username(const session_t *session)
{
    return session->mailbox ? mailbox_username(session->mailbox) : "";
}

static void watch(session_t *session)
{
    watch_add(session->server->watch, session);
}

/* ---- the end ---- */

static void free_reader(session_t *session)
{
    server_t *server = session->server;

    if (session->reader && !server->spare_reader) {
        server->spare_reader = session->reader;
        line_reader_reset(server->spare_reader);
    } else if (session->reader) {
        line_reader_free(session->reader);
        free(session->reader);
    }
    session->reader = NULL;
}

static void on_closed(uv_handle_t *handle)
{
    session_t *session = handle->data;

    free_reader(session);
    free(session);
}

void session_close_now(session_t *session)
{
    server_t *server = session->server;

    if (session->state == SESSION_CLOSED)
        return;
    session->state = SESSION_CLOSED;
    watch_remove(server->watch, session);
    TAILQ_REMOVE(&server->sessions, session, in_all);
    server->session_count--;
    server_count_change(server);
    output_queue_free(session->output);
    session->output = NULL;
    uv_close((uv_handle_t *)&session->tcp, on_closed);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    (void)status;
    free(request);
}

/* All has gone to the kernel: says so to the peer and waits for its end, because closing with unread bytes
 * would reset the connection and take the last words with it. */
static void shut(session_t *session)
{
    if (session->shut || output_queue_bytes(session->output) > 0)
        return;
    session->shut = true;
    uv_shutdown_t *request = alloc_new(uv_shutdown_t);
    if (uv_shutdown(request, (uv_stream_t *)&session->tcp, on_shut) != 0) {
        free(request);
        session_close_now(session);
    }
}

static void log_out(session_t *session, err_t why)
{
    server_t *server = session->server;
    mailbox_t *mailbox = session->mailbox;
    delivery_t *delivery;

    if (!mailbox)
        return;
    if (why != ERR_IO && why != ERR_TOO_SLOW)
        session_poll_written(session);
    while ((delivery = STAILQ_FIRST(&session->written)) != NULL) {
        STAILQ_REMOVE_HEAD(&session->written, in_written);
        delivery->written = false;
    }
    log_info(server->log, "session_closed", "user=%s reason=%s", session_username(session), err_code(why));
    users_remove(server->users, session, session_username(session));
    presence_left(server->presence, session);
    session->mailbox = NULL;
    mailbox_close(mailbox);
}

static void read_on(session_t *session);

void session_end(session_t *session, err_t why)
{
    if (session->state >= SESSION_CLOSING)
        return;
    log_out(session, why);
    if (session->heard_all || why == ERR_IO || why == ERR_TOO_SLOW) {
        session_close_now(session);
        return;
    }
    session->state = SESSION_CLOSING;
    session->since = uv_now(session->server->loop);
    session->throttled = session->held_back = false;
    free_reader(session);
    session_release(session);
    watch(session);
    read_on(session);
    shut(session);
}

/* ---- output ---- */

static void on_overflow(void *context)
{
    session_t *session = context;

    if (session->state >= SESSION_CLOSING)
        session_close_now(session);
    else
        session_end(session, ERR_TOO_SLOW);
}

static void on_write_error(void *context, int uv_err)
{
    session_t *session = context;

    log_debug(session->server->log, "write_failed", "user=%s why=%s", session_username(session),
              uv_strerror(uv_err));
    if (session->state >= SESSION_CLOSING)
        session_close_now(session);
    else
        session_end(session, uv_err == UV_ENOMEM ? ERR_NO_MEMORY : ERR_IO);
}

static void on_drain(void *context)
{
    session_t *session = context;

    if (session->state == SESSION_CLOSING)
        shut(session);
    else if (session->mailbox)
        mailbox_on_drain(session->mailbox);
}

buffer_t *session_begin(session_t *session)
{
    buffer_t *buffer = output_queue_buffer(session->output);

    session->mark = buffer->length;
    return buffer;
}

void session_flush(session_t *session)
{
    session->sent += output_queue_buffer(session->output)->length - session->mark;
    output_queue_flush(session->output);
}

void session_write(session_t *session, const char *text)
{
    buffer_append_text(session_begin(session), text);
    session_flush(session);
}

void session_hold(session_t *session)
{
    output_queue_hold(session->output);
}

void session_release(session_t *session)
{
    output_queue_release(session->output);
}

void session_write_now(session_t *session, const buffer_t *text)
{
    session->sent += text->length;
    output_queue_write_now(session->output, text->data, text->length);
}

/* ---- input ---- */

bool session_is_blocked(const session_t *session)
{
    return session->throttled || session->held_back || session->server->stopping;
}

void session_charge(session_t *session)
{
    int64_t rate = session->server->config->rate_limit;
    if (rate == 0)
        return;

    uint64_t now = uv_now(session->server->loop);
    bucket_take(&session->bucket, rate, now);
    if (!bucket_has(&session->bucket, rate, now)) {
        session->throttled = true;
        watch(session);
    }
}

void session_hold_back(session_t *session)
{
    session->held_back = true;
    watch(session);
}

/* Behind a full buffer libuv would read on and on; with none it looks after the others first, and comes back
 * in the loop's next turn. */
static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    session_t *session = handle->data;

    (void)suggested;
    if (session->read_enough)
        *buffer = uv_buf_init(NULL, 0);
    else
        *buffer = uv_buf_init(session->server->read_buffer, sizeof session->server->read_buffer);
    session->read_enough = false;
}

static size_t line_limit(const session_t *session)
{
    size_t most = (size_t)session->server->config->max_message_bytes;

    if (session->protocol == &login_protocol)
        return LIMIT_LOGIN_LINE;
    return session->protocol == &json_protocol ? message_max_line(most) : most + LIMIT_LINE_EXTRA;
}

static line_reader_t *reader_of(session_t *session)
{
    server_t *server = session->server;

    if (session->reader)
        return session->reader;
    session->reader = server->spare_reader ? server->spare_reader : alloc_new(line_reader_t);
    server->spare_reader = NULL;
    session->reader->limit = line_limit(session);
    return session->reader;
}

size_t session_pending(const session_t *session)
{
    return session->reader ? line_reader_pending(session->reader) : 0;
}

void session_finish_line(session_t *session)
{
    char *line;
    size_t length;

    session->silence_ended = true;
    stamp_renew(&session->server->stamp);
    if (!session->reader)
        return;
    switch (line_reader_finish(session->reader, &line, &length)) {
    case LINE_OK:
        session->protocol->on_line(session, line, length, false);
        break;
    case LINE_TOO_LONG:
        session->protocol->on_line_too_long(session);
        break;
    case LINE_NEED_MORE:
        break;
    }
}

/* The peer sends no more, but may read: its answers, and what waits for it, still go out. */
static void await_answers(session_t *session)
{
    session->state = SESSION_LEAVING;
    session->since = uv_now(session->server->loop);
    read_on(session);
    watch(session);
}

void session_leave(session_t *session)
{
    if (session->unanswered > 0 || session->heard_all || session->mailbox->check)
        await_answers(session);
    else
        session_end(session, ERR_CLOSED);
}

static void on_end_of_stream(session_t *session)
{
    if (session->state == SESSION_CLOSING) {
        session_close_now(session);
        return;
    }
    session->heard_all = true;
    session_finish_line(session);
    if (session->state != SESSION_OPEN)
        return;
    if (session->mailbox)
        await_answers(session);
    else
        session_end(session, ERR_CLOSED);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    session_t *session = stream->data;

    session->read_enough = count == (ssize_t)sizeof session->server->read_buffer;
    if (count == UV_ENOBUFS)
        return;
    if (count == UV_EOF) {
        on_end_of_stream(session);
    } else if (count < 0) {
        if (session->state >= SESSION_CLOSING)
            session_close_now(session);
        else
            session_end(session, ERR_IO);
    } else if (count > 0 && session->state == SESSION_OPEN) {
        session->heard = uv_now(session->server->loop);
        if (line_reader_feed(reader_of(session), buffer->base, (size_t)count) != ERR_OK)
            session_end(session, ERR_NO_MEMORY);
        else
            session_take_lines(session);
        output_turn_write_large(session->server->turn);
    }
}

/* Reads, or does not while something blocks it. */
static void read_on(session_t *session)
{
    bool wanted =
        session->state == SESSION_CLOSING || (session->state == SESSION_OPEN && !session_is_blocked(session));

    if (wanted && !session->reading)
        uv_read_start((uv_stream_t *)&session->tcp, on_allocate, on_read);
    else if (!wanted && session->reading)
        uv_read_stop((uv_stream_t *)&session->tcp);
    session->reading = wanted;
}

static bool take_line(session_t *session)
{
    char *line;
    size_t length;

    switch (line_reader_next(session->reader, &line, &length)) {
    case LINE_OK:
        session->protocol->on_line(session, line, length, true);
        break;
    case LINE_TOO_LONG:
        session->protocol->on_line_too_long(session);
        break;
    case LINE_NEED_MORE:
        return false;
    }
    session->silence_ended = false;
    return true;
}

void session_take_lines(session_t *session)
{
    stamp_renew(&session->server->stamp);
    while (session->state == SESSION_OPEN && session->reader && !session_is_blocked(session) &&
           take_line(session))
        ;
    if (session->state != SESSION_OPEN)
        return;
    if (session_pending(session) == 0)
        free_reader(session);
    else if (session->protocol != &json_protocol && !session->whole_lines)
        watch(session);
    read_on(session);
}

void session_stop_reading(session_t *session)
{
    if (session->state == SESSION_OPEN)
        read_on(session);
}

/* ---- the beginning ---- */

const output_events_t session_output_events = {on_overflow, on_write_error, on_drain};

session_t *session_accept(server_t *server, uv_stream_t *listener)
{
    session_t *session = alloc_new(session_t);

    uv_tcp_init(server->loop, &session->tcp);
    session->tcp.data = session;
    session->server = server;
    session->protocol = &login_protocol;
    session->serial = ++server->last_serial;
    session->since = session->heard = uv_now(server->loop);
    STAILQ_INIT(&session->written);
    bucket_init(&session->bucket, server->config->rate_limit, session->since);
    TAILQ_INSERT_TAIL(&server->sessions, session, in_all);
    server->session_count++;
    server_count_change(server);
    session->output = output_queue_new(server->turn, (uv_stream_t *)&session->tcp, session);
    if (uv_accept(listener, (uv_stream_t *)&session->tcp) != 0) {
        session_close_now(session);
        return NULL;
    }
    return session;
}

void session_greet(session_t *session)
{
    session_write(session, "Enter your username: ");
    session_hold(session); /* programs say their name unasked: one write answers both */
    watch(session);
    read_on(session);
}

err_t session_login(session_t *session, const char *username, const protocol_t *protocol)
{
    server_t *server = session->server;
    mailbox_t *mailbox = mailbox_get(server, username);

    session->mailbox = mailbox;
    if (!users_add(server->users, session, mailbox_username(mailbox))) {
        session->mailbox = NULL;
        mailbox_settle(mailbox);
        return ERR_USERNAME_TAKEN;
    }
    session->protocol = protocol;
    session->reader->limit = line_limit(session); /* the login's line is in it */
    uint64_t seq = presence_joined(server->presence, session);
    if (protocol == &json_protocol)
        session->presence_seq = seq;
    log_info(server->log, "session_opened", "user=%s kind=%s", session_username(session),
             protocol == &json_protocol ? "json" : "text");
    return ERR_OK;
}

void session_start(session_t *session)
{
    session_release(session);
    mailbox_open(session->mailbox, session);
}
