/* Direct mode, from a text session to a text session: the short way. A message that nothing has to wait for is printed
 * to the recipient and kept in the mailbox's log until the recipient's TCP has acknowledged it. It becomes a delivery as
 * soon as anything else has to be known of it. All records are newer than all deliveries. */
#include "mailbox_direct.h"
#include "limits.h"
#include "server.h"
#include "session.h"
#include "text_format.h"
#include <string.h>

static bool is_named(const mailbox_t *mailbox, const char *name, size_t length)
{
    return strlen(mailbox->username) == length && memcmp(mailbox->username, name, length) == 0;
}

mailbox_t *direct_find(session_t *session, const char *name, size_t length)
{
    const server_t *server = session->server;
    char username[USERNAME_SIZE];

    if (session->last_to && session->last_freed == server->mailboxes_freed &&
        is_named(session->last_to, name, length))
        return session->last_to;
    if (length >= sizeof username)
        return NULL;
    memcpy(username, name, length);
    username[length] = '\0';
    mailbox_t *mailbox = mailbox_find(server, username);
    if (!mailbox || !is_named(mailbox, name, length)) /* a NUL in the name */
        return NULL;
    session->last_to = mailbox;
    session->last_freed = server->mailboxes_freed;
    return mailbox;
}

mailbox_t *direct_find_open(session_t *sender, const char *name, size_t length, const protocol_t *protocol)
{
    const server_t *server = sender->server;
    mailbox_t *mailbox = server->config->direct ? direct_find(sender, name, length) : NULL;

    if (!mailbox)
        return NULL;
    return mailbox->session && mailbox->session->protocol == protocol ? mailbox : NULL;
}

bool direct_takes_at_once(const session_t *sender, mailbox_t *mailbox)
{
    const server_t *server = sender->server;

    return !mailbox_must_wait(mailbox) && !mailbox->behind && !mailbox_is_full(mailbox) &&
           sender->mailbox->verdicts == 0 && server->unstored <= LIMIT_UNSTORED / 2 && !server->stopping;
}

/* The log's records took so many bytes before it was changed. */
static void count_held(mailbox_t *mailbox, size_t before)
{
    size_t now = direct_log_bytes(&mailbox->log);

    mailbox->held += now - before;
    server_count_unstored(mailbox->server, now, before);
}

err_t direct_keep(mailbox_t *mailbox, const direct_record_t *record)
{
    session_t *receiver = mailbox->session;
    size_t before = direct_log_bytes(&mailbox->log);
    err_t err = direct_log_add(&mailbox->log, record);

    if (err != ERR_OK) {
        output_queue_buffer(receiver->output)->length = receiver->mark;
        return err;
    }
    count_held(mailbox, before);
    mailbox->unread++;
    session_flush(receiver);
    watch_add(receiver->server->watch, receiver);
    return ERR_OK;
}

void direct_drop(mailbox_t *mailbox)
{
    size_t before = direct_log_bytes(&mailbox->log);

    direct_log_drop(&mailbox->log);
    count_held(mailbox, before);
    mailbox->unread--;
}

/* What the reader's TCP has acknowledged need not be held any more: looked at once for each write to it, when that is
 * worth a system call. The watch alone would come too seldom: what a crowd says between two of its turns fills the
 * memory that is for all. */
static void let_go(const mailbox_t *mailbox)
{
    session_t *reader = mailbox->session;

    if (mailbox->held >= LIMIT_POLL && output_queue_bytes(reader->output) == 0)
        session_poll_now(reader);
}

bool mailbox_pass_on(session_t *sender, const char *name, size_t name_length, const char *text, size_t length)
{
    mailbox_t *mailbox = direct_find_open(sender, name, name_length, &text_protocol);

    if (!mailbox)
        return false;
    let_go(mailbox);
    if (!direct_takes_at_once(sender, mailbox))
        return false;
    session_t *receiver = mailbox->session;
    const char *username = session_username(sender), *timestamp = stamp_text(&sender->server->stamp);
    direct_record_t record = {.origin = sender->serial,
                              .timestamp = sender->server->stamp.now,
                              .sender = username,
                              .sender_length = strlen(username),
                              .text = text,
                              .text_length = length};
    buffer_t *out = session_begin(receiver);
    if (text_format_live(out, username, timestamp, text, length) != ERR_OK)
        return false;
    record.offset = receiver->sent + out->length - receiver->mark;
    return direct_keep(mailbox, &record) == ERR_OK;
}

void mailbox_passed(mailbox_t *mailbox, uint64_t offset)
{
    size_t before = direct_log_bytes(&mailbox->log), count = direct_log_pass(&mailbox->log, offset);

    if (count == 0)
        return;
    count_held(mailbox, before);
    mailbox->unread -= (unsigned)count;
    if (mailbox->state == MAILBOX_PACED)
        mailbox_on_drain(mailbox);
}

static delivery_t *expand(const mailbox_t *mailbox, const direct_record_t *record)
{
    message_t message;
    char sender[USERNAME_SIZE];

    memcpy(sender, record->sender, record->sender_length);
    sender[record->sender_length] = '\0';
    message_make(&message, sender, mailbox->username, record->text, record->text_length, MESSAGE_CHAT);
    if (record->id_length > 0)
        memcpy(message.id, record->id, record->id_length); /* message_make has set all to zero */
    else
        stamp_id(&mailbox->server->stamp, message.id);
    timestamp_format(record->timestamp, message.timestamp);
    delivery_t *delivery = delivery_new(&message);
    delivery->origin = record->origin;
    delivery->offset = record->offset;
    delivery->minted = delivery->live = delivery->handed = true;
    return delivery;
}

void mailbox_expand(mailbox_t *mailbox)
{
    direct_record_t record;
    direct_log_t log = mailbox->log;
    size_t before = direct_log_bytes(&log);

    /* Taken out as a whole first: mailbox_track expands too. */
    direct_log_init(&mailbox->log);
    count_held(mailbox, before);
    while (direct_log_first(&log, &record)) {
        delivery_t *delivery = expand(mailbox, &record);
        direct_log_drop(&log);
        mailbox_track(mailbox, delivery);
        if (mailbox->session && mailbox->session->protocol == &text_protocol)
            session_expect_read_at(mailbox->session, delivery);
    }
    direct_log_free(&log);
}
