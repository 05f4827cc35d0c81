/* Direct mode, from a text session to a text session: the short way. A message that nothing has to wait for is printed
 * to the recipient and kept in the mailbox's log until the recipient's TCP has acknowledged it. It becomes a delivery as
 * soon as anything else has to be known of it. All records are newer than all deliveries. */
#include "../common/timestamp.h"
#include "limits.h"
#include "server.h"
#include "session.h"
#include "text_format.h"
#include <string.h>

static bool is_named(const mailbox_t *mailbox, const char *name, size_t length)
{
    return strncmp(mailbox->username, name, length) == 0 && mailbox->username[length] == '\0';
}

/* The mailbox that the session wrote to last, when this is its name exactly and a text session has it open. */
static mailbox_t *find_open(const session_t *sender, const char *name, size_t length)
{
    const server_t *server = sender->server;
    mailbox_t *mailbox = sender->last_to;

    if (!server->config->direct || !mailbox || sender->last_freed != server->mailboxes_freed ||
        !is_named(mailbox, name, length))
        return NULL;
    return mailbox->session && mailbox->session->protocol == &text_protocol ? mailbox : NULL;
}

/* What the reader's TCP has acknowledged need not be held any more: looked at once for each write to it, when that is
 * worth a system call. The watch alone would come too seldom: what a crowd says between two of its turns fills the
 * memory that is for all. */
static void let_go(const mailbox_t *mailbox)
{
    session_t *reader = mailbox->session;

    if (mailbox->held >= LIMIT_POLL && output_queue_buffer(reader->output)->length == 0)
        session_poll_written(reader);
}

static bool takes_at_once(const session_t *sender, mailbox_t *mailbox)
{
    const server_t *server = sender->server;

    return !mailbox_must_wait(mailbox) && !mailbox->behind && !mailbox_is_full(mailbox) &&
           sender->mailbox->verdicts == 0 && server->unstored <= LIMIT_UNSTORED / 2 && !server->stopping;
}

bool mailbox_pass_on(session_t *sender, const char *name, size_t name_length, const char *text, size_t length)
{
    char timestamp[TIMESTAMP_SIZE];
    mailbox_t *mailbox = find_open(sender, name, name_length);

    if (!mailbox)
        return false;
    let_go(mailbox);
    if (!takes_at_once(sender, mailbox))
        return false;
    session_t *receiver = mailbox->session;
    const char *username = session_username(sender);
    direct_record_t record = {.origin = sender->serial,
                              .timestamp = timestamp_format_now(timestamp),
                              .sender = username,
                              .sender_length = strlen(username),
                              .text = text,
                              .text_length = length};
    buffer_t *out = session_begin(receiver);
    if (text_format_live(out, username, timestamp, text, length) != ERR_OK)
        return false;
    record.offset = receiver->sent + out->length - receiver->mark;
    if (direct_log_add(&mailbox->log, &record) != ERR_OK) {
        out->length = receiver->mark;
        return false;
    }
    size_t bytes = direct_log_record_bytes(&record);
    mailbox->held += bytes;
    server_count_unstored(receiver->server, bytes, 0);
    mailbox->unread++;
    session_flush(receiver);
    watch_add(receiver->server->watch, receiver);
    return true;
}

/* Takes out the oldest one. */
static void drop(mailbox_t *mailbox, const direct_record_t *record)
{
    size_t bytes = direct_log_record_bytes(record);

    mailbox->held -= bytes;
    server_count_unstored(mailbox->server, 0, bytes);
    direct_log_drop(&mailbox->log);
}

void mailbox_passed(mailbox_t *mailbox, uint64_t offset)
{
    direct_record_t record;
    bool any = false;

    while (direct_log_first(&mailbox->log, &record) && record.offset <= offset) {
        drop(mailbox, &record);
        mailbox->unread--;
        any = true;
    }
    if (any && mailbox->state == MAILBOX_PACED)
        mailbox_on_drain(mailbox);
}

static delivery_t *expand(const mailbox_t *mailbox, const direct_record_t *record)
{
    message_t message;
    char sender[USERNAME_SIZE];

    memcpy(sender, record->sender, record->sender_length);
    sender[record->sender_length] = '\0';
    message_make(&message, sender, mailbox->username, record->text, record->text_length, MESSAGE_CHAT);
    id_mint(message.id);
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

    /* Taken out as a whole first: mailbox_track expands too. */
    direct_log_init(&mailbox->log);
    while (direct_log_first(&log, &record)) {
        size_t bytes = direct_log_record_bytes(&record);
        delivery_t *delivery = expand(mailbox, &record);
        mailbox->held -= bytes;
        server_count_unstored(mailbox->server, 0, bytes);
        direct_log_drop(&log);
        mailbox_track(mailbox, delivery);
        if (mailbox->session)
            session_expect_read_at(mailbox->session, delivery);
    }
}
