#include "chat_session.h"
#include "alloc.h"
#include "backoff.h"
#include "chat_link.h"
#include "inbox.h"
#include "unsent.h"
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_RETRY_MS = 100,
    LAST_RETRY_MS = 10000,
    STEADY_MS = 5000, /* online for this long: the next loss starts with a short wait again */
    DEFAULT_LOGIN_MS = 10000,
    DEFAULT_IDLE_MS = 20000,
    DEFAULT_SHOWN = 10000,
    LEAST_LINE = 1024 * 1024,           /* room for a list of users */
    LARGEST_MESSAGE = 16 * 1024 * 1024, /* whatever the server says */
};

typedef enum {
    STATE_WAITING,
    STATE_CONNECTING,
    STATE_LOGIN,
    STATE_ONLINE,
    STATE_FINISHING,
    STATE_OVER
} state_t;

struct chat_session {
    uv_loop_t *loop;
    chat_events_t events;
    void *context;
    const log_t *log;
    char *host, *username, *token;
    int port;
    bool reconnect;
    size_t max_message_bytes;
    uint64_t login_ms, idle_ms;

    state_t state;
    chat_link_t *link; /* CONNECTING to FINISHING */
    uv_timer_t timer;  /* the next try, the login's end, the next look at the silence, the end of lingering */
    backoff_t backoff;
    uint64_t online_since;
    err_t told;         /* of the server's error frame, if that was the last it said */
    unsigned own_pings; /* whose answers are not the owner's business */
    bool was_online, paused, closing;

    unsent_t *unsent;
    inbox_t *inbox;
};

static void drop(chat_session_t *session, err_t why, bool refused);
static void on_timer(uv_timer_t *timer);

/* ---- what the owner sends ---- */

static err_t take(chat_session_t *session, message_t *message, bool again)
{
    if (session->closing || session->state == STATE_OVER)
        return ERR_CLOSED;
    if (message->id[0] == '\0')
        id_mint(message->id);
    return unsent_add(session->unsent, message, again);
}

err_t chat_session_send(chat_session_t *session, message_t *message)
{
    return take(session, message, false);
}

err_t chat_session_send_again(chat_session_t *session, message_t *message)
{
    return take(session, message, true);
}

static void expire_outbox(chat_session_t *session)
{
    message_t message;

    while (!session->closing && unsent_expire(session->unsent, &message)) {
        if (session->events.on_receipt)
            session->events.on_receipt(session->context, message.id, RECEIPT_REJECTED, err_code(ERR_EXPIRED),
                                       err_text(ERR_EXPIRED));
        message_free(&message);
    }
}

void chat_session_partial(chat_session_t *session, const char *destination, const char *id, const char *text,
                          size_t length)
{
    if (session->state != STATE_ONLINE || !unsent_has_room(session->unsent))
        return;
    frame_write_partial(chat_link_buffer(session->link), FRAME_SIDE_CLIENT, destination, id, text, length);
    chat_link_flush(session->link);
}

/* While offline nothing is said: the message comes again after the next login, and is answered then. */
static void write_got(chat_session_t *session, const char *sender, const char *id)
{
    if (session->state != STATE_ONLINE)
        return;
    frame_write_got(chat_link_buffer(session->link), sender, id);
    chat_link_flush(session->link);
}

void chat_session_got(chat_session_t *session, const char *sender, const char *id)
{
    inbox_decide(session->inbox, sender, id);
    write_got(session, sender, id);
}

err_t chat_session_command(chat_session_t *session, command_t command)
{
    if (session->state != STATE_ONLINE)
        return ERR_CLOSED;
    err_t err = frame_write_command(chat_link_buffer(session->link), command);
    chat_link_flush(session->link);
    return err;
}

/* ---- what the server says ---- */

static void on_message(chat_session_t *session, const frame_t *frame)
{
    const message_t *message = &frame->message;

    if (!session->events.on_message)
        return; /* nobody keeps it: it stays in the mailbox */
    switch (inbox_take(session->inbox, message->sender, message->id)) {
    case INBOX_NEW:
        /* False from inbox_decide: the owner has said got inside the event. */
        if (session->events.on_message(session->context, message, frame->stored) &&
            inbox_decide(session->inbox, message->sender, message->id))
            write_got(session, message->sender, message->id);
        break;
    case INBOX_DECIDED:
        write_got(session, message->sender, message->id);
        break;
    case INBOX_UNDECIDED:
        break;
    }
}

static void on_receipt(chat_session_t *session, const frame_t *frame)
{
    unsent_forget(session->unsent, frame->id);
    if (session->events.on_receipt)
        session->events.on_receipt(session->context, frame->id, frame->status, frame->code, frame->reason);
}

static void on_presence(chat_session_t *session, const frame_t *frame)
{
    if (session->events.on_presence)
        session->events.on_presence(session->context, frame);
}

static void on_result(chat_session_t *session, const frame_t *frame)
{
    if (frame->command == COMMAND_PING && session->own_pings > 0)
        session->own_pings--;
    else if (session->events.on_result)
        session->events.on_result(session->context, frame);
}

static void on_partial(chat_session_t *session, const frame_t *frame)
{
    if (session->events.on_partial)
        session->events.on_partial(session->context, frame->sender, frame->id, frame->text);
}

static void on_error(chat_session_t *session, const frame_t *frame)
{
    session->told = err_from_code(frame->code);
    if (session->told == ERR_CLOSED)
        return; /* goodbye: on_offline follows, and no command was refused */
    if (session->events.on_error)
        session->events.on_error(session->context, frame->code, frame->reason);
}

static size_t line_limit(const chat_session_t *session)
{
    size_t line = message_max_line(session->max_message_bytes);

    return line > LEAST_LINE ? line : LEAST_LINE;
}

static void on_login_success(chat_session_t *session, const frame_t *frame)
{
    if (frame->max_message_bytes > (int64_t)session->max_message_bytes)
        session->max_message_bytes =
            frame->max_message_bytes < LARGEST_MESSAGE ? (size_t)frame->max_message_bytes : LARGEST_MESSAGE;
    chat_link_set_line_limit(session->link, line_limit(session));

    free(session->username);
    session->username = alloc_string(frame->username);
    session->state = STATE_ONLINE;
    session->was_online = true;
    session->online_since = uv_now(session->loop);
    unsent_begin(session->unsent, session->link);
    uv_timer_start(&session->timer, on_timer, session->idle_ms, 0);
    if (session->events.on_online)
        session->events.on_online(session->context, frame);
    if (session->state != STATE_ONLINE)
        return;
    chat_link_pause(session->link, session->paused); /* not before: the login's answer is ours to read */
    unsent_write(session->unsent);
}

/* A refusal that may pass is no reason to give up; neither is one that comes after we were let in once. */
static bool is_final_refusal(const chat_session_t *session, err_t why)
{
    return !session->was_online && why != ERR_BUSY && why != ERR_RATE_LIMITED && why != ERR_TIMEOUT &&
           why != ERR_STORE_UNAVAILABLE && why != ERR_DISK_FULL;
}

static void on_login_answer(chat_session_t *session, const frame_t *frame)
{
    if (frame->type == FRAME_LOGIN_SUCCESS) {
        on_login_success(session, frame);
    } else if (frame->type == FRAME_ERROR) {
        err_t why = err_from_code(frame->code);
        drop(session, why, is_final_refusal(session, why));
    }
}

typedef void (*frame_handler_t)(chat_session_t *session, const frame_t *frame);

static const frame_handler_t HANDLERS[] = {
    [FRAME_MESSAGE] = on_message, [FRAME_RECEIPT] = on_receipt, [FRAME_PRESENCE] = on_presence,
    [FRAME_RESULT] = on_result,   [FRAME_PARTIAL] = on_partial, [FRAME_ERROR] = on_error,
};

static void on_line(void *context, char *line, size_t length)
{
    chat_session_t *session = context;
    frame_t frame;

    if (session->closing)
        return;
    session->told = ERR_OK;
    err_t err = line ? frame_parse(line, length, FRAME_SIDE_CLIENT, session->max_message_bytes, &frame, NULL)
                     : ERR_TOO_LONG;
    if (err != ERR_OK) {
        if (session->log)
            log_warning(session->log, "frame_skipped", "reason=%s", err_code(err));
        if (err == ERR_NO_MEMORY)
            drop(session, err, false); /* what it was comes again, or is asked for again */
        else if (session->state == STATE_LOGIN)
            drop(session, ERR_INVALID_FRAME, false); /* this is no chat server */
        return;
    }
    if (session->state == STATE_LOGIN)
        on_login_answer(session, &frame);
    else if (frame.type < sizeof(HANDLERS) / sizeof(HANDLERS[0]) && HANDLERS[frame.type])
        HANDLERS[frame.type](session, &frame);
    frame_free(&frame);
}

/* ---- the connection ---- */

static void on_open(void *context)
{
    chat_session_t *session = context;

    session->state = STATE_LOGIN;
    frame_write_login(chat_link_buffer(session->link), session->username, session->token);
    chat_link_flush(session->link);
    uv_timer_start(&session->timer, on_timer, session->login_ms, 0);
}

static void on_drain(void *context)
{
    chat_session_t *session = context;

    if (session->state != STATE_ONLINE && session->state != STATE_FINISHING)
        return;
    unsent_write(session->unsent);
    if (session->state == STATE_FINISHING && !unsent_is_behind(session->unsent))
        chat_link_finish(session->link);
}

static void on_session_closed(uv_handle_t *handle)
{
    chat_session_t *session = handle->data;

    if (session->events.on_closed)
        session->events.on_closed(session->context);
    if (session->token)
        explicit_bzero(session->token, strlen(session->token));
    free(session->token);
    free(session->host);
    free(session->username);
    unsent_free(session->unsent);
    inbox_free(session->inbox);
    free(session);
}

static void end_session(chat_session_t *session)
{
    session->state = STATE_OVER;
    unsent_end(session->unsent);
    chat_link_close(session->link);
    session->link = NULL;
    uv_close((uv_handle_t *)&session->timer, on_session_closed);
}

static void on_down(void *context, err_t why)
{
    chat_session_t *session = context;

    session->link = NULL;
    if (session->closing)
        end_session(session);
    else
        drop(session, why == ERR_CLOSED && session->told != ERR_OK ? session->told : why, false);
}

static const chat_link_events_t LINK_EVENTS = {on_open, on_line, on_drain, on_down};

static void connect_link(chat_session_t *session)
{
    session->state = STATE_CONNECTING;
    session->told = ERR_OK;
    session->own_pings = 0;
    session->link = chat_link_open(session->loop, session->host, session->port, line_limit(session),
                                   &LINK_EVENTS, session);
}

/* Ends this connection. refused: and there will be no other. */
static void drop(chat_session_t *session, err_t why, bool refused)
{
    bool final = refused || !session->reconnect;
    bool steady =
        session->state == STATE_ONLINE && uv_now(session->loop) - session->online_since >= STEADY_MS;

    unsent_end(session->unsent);
    chat_link_close(session->link);
    session->link = NULL;
    if (steady)
        backoff_reset(&session->backoff);
    session->state = final ? STATE_OVER : STATE_WAITING;
    if (final)
        uv_timer_stop(&session->timer);
    else
        uv_timer_start(&session->timer, on_timer, backoff_next(&session->backoff), 0);
    if (session->log)
        log_info(session->log, "session_offline", "reason=%s final=%d", err_code(why), final);
    if (session->events.on_offline)
        session->events.on_offline(session->context, why, final);
}

/* Bytes of any kind show that the server lives. What we do not read ourselves is no silence of its. */
static void look_at_silence(chat_session_t *session)
{
    uint64_t silence = session->paused ? 0 : uv_now(session->loop) - chat_link_heard(session->link);
    uint64_t next = silence < session->idle_ms ? session->idle_ms - silence : 2 * session->idle_ms - silence;

    if (silence >= 2 * session->idle_ms) {
        drop(session, ERR_TIMEOUT, false);
        return;
    }
    if (silence >= session->idle_ms && chat_session_command(session, COMMAND_PING) == ERR_OK)
        session->own_pings++;
    uv_timer_start(&session->timer, on_timer, next, 0);
    expire_outbox(session);
}

static void on_timer(uv_timer_t *timer)
{
    chat_session_t *session = timer->data;

    switch (session->state) {
    case STATE_WAITING:
        expire_outbox(session);
        if (session->state == STATE_WAITING)
            connect_link(session);
        break;
    case STATE_LOGIN:
        drop(session, ERR_TIMEOUT, false);
        break;
    case STATE_ONLINE:
        look_at_silence(session);
        break;
    case STATE_FINISHING:
        end_session(session);
        break;
    case STATE_CONNECTING: /* the connector has a deadline of its own */
    case STATE_OVER:
        break;
    }
}

/* ---- the owner ---- */

chat_session_t *chat_session_open(uv_loop_t *loop, const chat_options_t *options, const chat_events_t *events,
                                  void *context)
{
    chat_session_t *session = alloc_new(chat_session_t);

    session->loop = loop;
    session->events = *events;
    session->context = context;
    session->log = options->log;
    session->host = alloc_string(options->host);
    session->port = options->port;
    session->username = alloc_string(options->username);
    if (options->token && options->token[0] != '\0')
        session->token = alloc_string(options->token);
    session->reconnect = options->reconnect;
    session->max_message_bytes =
        options->max_message_bytes ? options->max_message_bytes : MESSAGE_DEFAULT_MAX_BYTES;
    session->login_ms = options->login_ms ? options->login_ms : DEFAULT_LOGIN_MS;
    session->idle_ms = options->idle_ms ? options->idle_ms : DEFAULT_IDLE_MS;
    backoff_init(&session->backoff, FIRST_RETRY_MS, LAST_RETRY_MS);
    session->unsent = unsent_new();
    session->inbox = inbox_new(options->shown_capacity ? options->shown_capacity : DEFAULT_SHOWN);
    uv_timer_init(loop, &session->timer);
    session->timer.data = session;
    connect_link(session);
    return session;
}

void chat_session_close(chat_session_t *session, uint64_t linger_ms)
{
    if (session->closing)
        return;
    session->closing = true;
    if (linger_ms == 0 || session->state != STATE_ONLINE) {
        end_session(session);
        return;
    }
    session->state = STATE_FINISHING;
    uv_timer_start(&session->timer, on_timer, linger_ms, 0);
    if (!unsent_is_behind(session->unsent))
        chat_link_finish(session->link);
}

bool chat_session_is_online(const chat_session_t *session)
{
    return session->state == STATE_ONLINE;
}

const char *chat_session_username(const chat_session_t *session)
{
    return session->username;
}

size_t chat_session_queued(const chat_session_t *session)
{
    return session->link ? chat_link_bytes(session->link) : 0;
}

size_t chat_session_unacknowledged(const chat_session_t *session)
{
    return unsent_count(session->unsent);
}

void chat_session_pause(chat_session_t *session, bool pause)
{
    session->paused = pause;
    if (session->state == STATE_ONLINE)
        chat_link_pause(session->link, pause);
}
