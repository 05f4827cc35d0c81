/* What a session waits for: its login, silence, tokens, its peer's TCP, the end. See watch.h. */
#include "limits.h"
#include "server.h"
#include "session.h"
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static size_t not_acknowledged(const session_t *session)
{
    int bytes = 0;
    uv_os_fd_t descriptor;

    if (uv_fileno((const uv_handle_t *)&session->tcp, &descriptor) != 0 ||
        ioctl(descriptor, SIOCOUTQ, &bytes) != 0)
        return SIZE_MAX;
    return output_queue_bytes(session->output) + (size_t)bytes;
}

void session_expect_read(session_t *session, delivery_t *delivery)
{
    delivery->offset = session->sent;
    session_expect_read_at(session, delivery);
}

void session_expect_read_at(session_t *session, delivery_t *delivery)
{
    delivery->written = true;
    STAILQ_INSERT_TAIL(&session->written, delivery, in_written);
    watch_add(session->server->watch, session);
}

static bool has_unread(const session_t *session)
{
    if (session->protocol != &text_protocol)
        return false;
    return !STAILQ_EMPTY(&session->written) ||
           (session->mailbox && !direct_log_is_empty(&session->mailbox->log));
}

void session_poll_written(session_t *session)
{
    delivery_t *delivery;

    if (!has_unread(session))
        return;
    size_t open = not_acknowledged(session);
    uint64_t read = open <= session->sent ? session->sent - open : 0;
    while ((delivery = STAILQ_FIRST(&session->written)) != NULL && delivery->offset <= read) {
        STAILQ_REMOVE_HEAD(&session->written, in_written);
        delivery->written = false;
        mailbox_got(delivery);
    }
    mailbox_passed(session->mailbox, read);
}

void session_poll_now(session_t *session)
{
    session_poll_written(session);
    session->polled = true;
}

/* Who is written to is polled then: in a crowd of those a look at each of them would be as many system calls again. */
static void poll_at_tick(session_t *session)
{
    if (!session->polled)
        session_poll_written(session);
    session->polled = false;
}

/* A log that has become empty gives its memory back here, not between two messages. True while there is any. */
static bool keeps_log(session_t *session)
{
    if (!session->mailbox)
        return false;
    direct_log_trim(&session->mailbox->log);
    return session->mailbox->log.block;
}

void session_note_waiting(session_t *session)
{
    session->waiting++;
    watch_add(session->server->watch, session);
}

void session_expect_reading(session_t *session)
{
    if (session->taken_at == 0) {
        session->taken = session->sent - output_queue_bytes(session->output);
        session->taken_at = uv_now(session->server->loop);
    }
    watch_add(session->server->watch, session);
}

void session_withhold(session_t *session, size_t bytes)
{
    if (session->taken_at != 0)
        session->withheld += bytes;
}

/* True until the mailbox has caught up. Who takes nothing of what is there while more than the output's limit
 * waits does not read. */
static bool await_reading(session_t *session, uint64_t now)
{
    size_t held = output_queue_bytes(session->output);

    if (!mailbox_is_waiting(session->mailbox)) {
        session->taken_at = 0;
        session->withheld = 0;
        return false;
    }
    if (held == 0 || session->taken != session->sent - held) {
        session->taken = session->sent - held;
        session->taken_at = now;
    } else if (now - session->taken_at >= LIMIT_READING &&
               held + session->withheld > OUTPUT_LIMITS_DEFAULT.hard_limit) {
        session_end(session, ERR_TOO_SLOW);
    }
    return true;
}

/* True while one is due. */
static bool give_hint(session_t *session, uint64_t now)
{
    if (session->waiting == 0)
        return false;
    if (session->hint_at != 0 && now - session->hint_at < LIMIT_HINT)
        return true;
    session->hint_at = now;
    buffer_appendf(session_begin(session), "%u new stored messages. Type !check.\n", session->waiting);
    session_flush(session);
    session->waiting = 0;
    return false;
}

/* A client that writes no newlines has ended its line by saying nothing for a while. A JSON frame is whole. */
static bool await_silence(session_t *session, uint64_t now)
{
    size_t pending = session_pending(session);

    if (pending == 0 || session->whole_lines || session->protocol == &json_protocol ||
        session_is_blocked(session))
        return false;
    bool frame = session->protocol == &login_protocol && session->reader->pending.length > 0 &&
                 session->reader->pending.data[session->reader->start] == '{';
    if (frame)
        return false;
    if (now - session->heard < LIMIT_SILENCE)
        return true;
    session_finish_line(session);
    return false;
}

static bool resume(session_t *session, uint64_t now)
{
    if (!session->throttled && !session->held_back)
        return false;
    if (session->throttled && bucket_has(&session->bucket, session->server->config->rate_limit, now))
        session->throttled = false;
    if (!server_is_full(session->server))
        session->held_back = false;
    if (session->throttled || session->held_back)
        return true;
    session_take_lines(session);
    return session->throttled || session->held_back;
}

static bool tick_open(session_t *session, uint64_t now)
{
    if (!session->mailbox && now - session->since >= LIMIT_LOGIN) {
        session_end(session, ERR_TIMEOUT);
        return true;
    }
    bool again = !session->mailbox;
    again |= resume(session, now);
    if (session->state == SESSION_OPEN)
        again |= await_silence(session, now);
    if (session->state != SESSION_OPEN)
        return true; /* closing is watched too */
    if (session->mailbox && session->taken_at != 0)
        again |= await_reading(session, now);
    if (session->state != SESSION_OPEN)
        return true;
    poll_at_tick(session);
    again |= has_unread(session);
    again |= keeps_log(session);
    again |= give_hint(session, now);
    return again ||
           (session_pending(session) > 0 && !session->whole_lines && session->protocol == &text_protocol);
}

/* The connection was reset. A session that is not read from hears of it nowhere else. */
static bool is_reset(const session_t *session)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    uv_os_fd_t descriptor;

    return uv_fileno((const uv_handle_t *)&session->tcp, &descriptor) == 0 &&
           getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

/* Gone when it has had its answers and its TCP has acknowledged them, or when it takes too long. A program that
 * was killed has sent its end too, and its name must be free when it is started again. */
static bool tick_leaving(session_t *session, uint64_t now)
{
    session_poll_written(session);
    if (is_reset(session)) {
        session_end(session, ERR_IO);
        return false;
    }
    bool waits =
        session->unanswered > 0 || mailbox_is_draining(session->mailbox) || not_acknowledged(session) > 0;
    if (waits && now - session->since < LIMIT_LEAVING)
        return true;
    session_end(session, ERR_CLOSED);
    return false;
}

bool session_on_tick(session_t *session, uint64_t now_ms)
{
    switch (session->state) {
    case SESSION_OPEN:
        return tick_open(session, now_ms);
    case SESSION_LEAVING:
        return tick_leaving(session, now_ms);
    case SESSION_CLOSING:
        if (now_ms - session->since < LIMIT_CLOSING)
            return true;
        session_close_now(session);
        return false;
    case SESSION_CLOSED:
        break;
    }
    return false;
}
