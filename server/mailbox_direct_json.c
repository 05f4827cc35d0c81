/* Direct mode, from a JSON session to a JSON session: the short way, as in mailbox_direct.c. The recipient's program says
 * got for what it was handed, most often in that order: then the oldest record is the one. */
#include "limits.h"
#include "mailbox_direct.h"
#include "server.h"
#include "session.h"
#include <string.h>

static err_t write_frame(session_t *receiver, const direct_record_t *record, const char *timestamp)
{
    const char *username = session_username(receiver);
    frame_chat_t chat = {.id = {record->id, record->id_length},
                         .sender = {record->sender, record->sender_length},
                         .destination = {username, strlen(username)},
                         .text = {record->text, record->text_length},
                         .timestamp = timestamp};

    return frame_write_chat(session_begin(receiver), &chat);
}

bool mailbox_pass_frame(session_t *sender, const frame_view_t *message)
{
    stamp_t *stamp = &sender->server->stamp;
    const char *username = session_username(sender);
    char id[ID_UUID_SIZE];

    if (message->id.length > 0) /* it may be a repeat: the router knows */
        return false;
    mailbox_t *mailbox =
        direct_find_open(sender, message->destination.data, message->destination.length, &json_protocol);
    if (!mailbox || !direct_takes_at_once(sender, mailbox))
        return false;
    stamp_id(stamp, id);
    direct_record_t record = {.offset = UINT64_MAX,
                              .origin = sender->serial,
                              .timestamp = stamp->now,
                              .id = id,
                              .id_length = ID_UUID_SIZE - 1,
                              .sender = username,
                              .sender_length = strlen(username),
                              .text = message->text.data,
                              .text_length = message->text.length};
    return write_frame(mailbox->session, &record, stamp_text(stamp)) == ERR_OK &&
           direct_keep(mailbox, &record) == ERR_OK;
}

static bool is_of(const direct_record_t *record, const frame_view_t *got)
{
    return record->id_length == got->id.length && record->sender_length == got->sender.length &&
           memcmp(record->id, got->id.data, got->id.length) == 0 &&
           memcmp(record->sender, got->sender.data, got->sender.length) == 0;
}

/* Who sent it may be gone, or have come back as something else. */
static void tell_sender(session_t *session, const frame_view_t *got)
{
    const mailbox_t *mailbox = direct_find(session, got->sender.data, got->sender.length);
    session_t *sender = mailbox ? mailbox->session : NULL;

    if (!sender || sender->protocol != &json_protocol)
        return;
    frame_write_delivered(session_begin(sender), got->id);
    session_flush(sender);
}

bool mailbox_pass_got(session_t *session, const frame_view_t *got)
{
    mailbox_t *mailbox = session->mailbox;
    direct_record_t record;

    if (!direct_log_first(&mailbox->log, &record) || !is_of(&record, got))
        return false;
    tell_sender(session, got);
    direct_drop(mailbox);
    if (mailbox->state == MAILBOX_PACED)
        mailbox_on_drain(mailbox);
    return true;
}
