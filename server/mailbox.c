#include "../common/alloc.h"
#include "limits.h"
#include "mailbox_drain.h"
#include "receipts.h"
#include "recent.h"
#include "server.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>

/* ---- the object ---- */

mailbox_t *mailbox_find(const server_t *server, const char *username)
{
    return hash_get(server->mailboxes, username);
}

mailbox_t *mailbox_get(server_t *server, const char *username)
{
    mailbox_t *mailbox = mailbox_find(server, username);
    if (mailbox)
        return mailbox;

    size_t size = strlen(username) + 1;
    mailbox = alloc_zero(1, offsetof(mailbox_t, username) + size);
    memcpy(mailbox->username, username, size);
    mailbox->server = server;
    TAILQ_INIT(&mailbox->deliveries);
    TAILQ_INIT(&mailbox->unclaimed);
    direct_log_init(&mailbox->log);
    hash_put(server->mailboxes, username, mailbox);
    return mailbox;
}

const char *mailbox_username(const mailbox_t *mailbox)
{
    return mailbox->username;
}

int64_t mailbox_epoch(const mailbox_t *mailbox)
{
    return mailbox->epoch;
}

void mailbox_settle(mailbox_t *mailbox)
{
    if (mailbox->session || mailbox->count > 0 || mailbox->pins > 0 || mailbox->verdicts > 0)
        return;
    hash_remove(mailbox->server->mailboxes, mailbox->username);
    mailbox->server->mailboxes_freed++;
    free(mailbox);
}

void mailbox_free(mailbox_t *mailbox)
{
    delivery_t *delivery, *next;

    DELIVERY_EACH(delivery, next, &mailbox->deliveries, in_mailbox)
    {
        delivery_free(delivery);
    }
    direct_log_free(&mailbox->log);
    free(mailbox);
}

bool mailbox_is_live(const mailbox_t *mailbox, message_type_t type)
{
    return mailbox->session && mailbox->session->protocol->shows(type);
}

bool mailbox_is_full(const mailbox_t *mailbox)
{
    return mailbox->held > LIMIT_MAILBOX_HELD;
}

bool mailbox_is_draining(const mailbox_t *mailbox)
{
    return mailbox->state == MAILBOX_CLAIMING || mailbox->state == MAILBOX_READING ||
           mailbox->state == MAILBOX_PACED;
}

/* ---- the deliveries ---- */

/* Bytes count from the acceptance until they are on disk or need not be any more. */
static bool is_counted(put_state_t put)
{
    return put == PUT_NONE || put == PUT_QUEUED;
}

void mailbox_track(mailbox_t *mailbox, delivery_t *delivery)
{
    char key[DELIVERY_KEY_SIZE];

    mailbox_expand(mailbox);
    delivery_key(delivery->message.sender, delivery->message.id, key);
    hash_put(mailbox->server->tracked, key, delivery);
    TAILQ_INSERT_TAIL(&mailbox->deliveries, delivery, in_mailbox);
    delivery->mailbox = mailbox;
    mailbox->count++;
    mailbox->loose += delivery->put == PUT_NONE;
    if (is_counted(delivery->put)) {
        mailbox->held += delivery_bytes(delivery);
        server_count_unstored(mailbox->server, delivery_bytes(delivery), 0);
    }
}

static void end_verdict(server_t *server, const delivery_t *delivery)
{
    mailbox_t *sender = mailbox_find(server, delivery->message.sender);

    sender->verdicts--;
    mailbox_settle(sender);
}

void mailbox_set_put(delivery_t *delivery, put_state_t put)
{
    mailbox_t *mailbox = delivery->mailbox;

    if (is_counted(delivery->put) && !is_counted(put)) {
        mailbox->held -= delivery_bytes(delivery);
        server_count_unstored(mailbox->server, 0, delivery_bytes(delivery));
    }
    bool verdict = delivery->verdict_first && delivery->put == PUT_QUEUED && put != PUT_QUEUED;
    mailbox->loose -= delivery->put == PUT_NONE;
    mailbox->loose += put == PUT_NONE;
    delivery->put = put;
    if (put != PUT_QUEUED)
        receipts_answered(mailbox->server, delivery);
    if (verdict)
        end_verdict(mailbox->server, delivery);
}

/* It is in no queue any more, and if it was handed to the session, that has said got. */
void mailbox_forget(delivery_t *delivery)
{
    mailbox_t *mailbox = delivery->mailbox;
    char key[DELIVERY_KEY_SIZE];

    mailbox_set_put(delivery, PUT_STORED); /* counts no more */
    delivery_key(delivery->message.sender, delivery->message.id, key);
    hash_remove(mailbox->server->tracked, key);
    TAILQ_REMOVE(&mailbox->deliveries, delivery, in_mailbox);
    mailbox->count--;
    delivery_free(delivery);
    mailbox_settle(mailbox);
}

void mailbox_hand(delivery_t *delivery, const message_t *message, bool stored)
{
    session_t *session = delivery->mailbox->session;
    size_t size = sizeof *delivery + message->text_length + message->metadata_length;

    delivery->handed = true;
    delivery->mailbox->unread++;
    session->withheld -= session->withheld < size ? session->withheld : size;
    session->protocol->deliver(session, delivery, message, stored);
    if (delivery->put == PUT_STORED)
        delivery_drop_body(delivery);
}

/* Is it waiting for nothing but its turn? */
static bool may_be_handed(const delivery_t *delivery)
{
    if (delivery->handed || delivery->got || !delivery_has_body(delivery))
        return false;
    if (delivery->verdict_first && delivery->put != PUT_STORED)
        return false;
    return delivery->put != PUT_REFUSED && mailbox_is_live(delivery->mailbox, delivery->message.type);
}

static bool is_ahead(const mailbox_t *mailbox)
{
    return output_queue_bytes(mailbox->session->output) > LIMIT_LIVE_AHEAD;
}

bool mailbox_hand_waiting(mailbox_t *mailbox)
{
    delivery_t *delivery;

    TAILQ_FOREACH(delivery, &mailbox->deliveries, in_mailbox)
    {
        if (!may_be_handed(delivery))
            continue;
        if (is_ahead(mailbox))
            return false;
        mailbox_hand(delivery, &delivery->message, !delivery->live);
    }
    mailbox->queued = 0;
    return true;
}

bool mailbox_is_waiting(const mailbox_t *mailbox)
{
    return mailbox_is_draining(mailbox) || mailbox->behind;
}

/* Who reads more slowly than others write is read to from the store, or from memory while that is away; so is
 * who never says got. */
static void pace(mailbox_t *mailbox)
{
    if (mailbox_is_draining(mailbox) || mailbox->behind ||
        (mailbox->unread <= LIMIT_MAILBOX_UNREAD && !is_ahead(mailbox)))
        return;
    if (store_client_state(mailbox->server->store) == ERR_OK)
        mailbox->state = MAILBOX_PACED;
    else
        mailbox_store_is_away(mailbox, ERR_STORE_UNAVAILABLE);
    session_expect_reading(mailbox->session);
}

bool mailbox_must_wait(mailbox_t *mailbox)
{
    if (mailbox->session)
        pace(mailbox);
    return mailbox_is_draining(mailbox);
}

void mailbox_take(mailbox_t *mailbox, delivery_t *delivery, bool put)
{
    if (put)
        mailbox_spill(mailbox); /* on disk nothing overtakes what is in memory alone */
    delivery->put = put ? PUT_QUEUED : PUT_NONE;
    mailbox_track(mailbox, delivery);
    if (put)
        store_client_put(mailbox->server->store, delivery);
    if (!mailbox->session)
        return;
    if (mailbox_is_waiting(mailbox))
        session_withhold(mailbox->session, delivery_bytes(delivery));
    else if (may_be_handed(delivery))
        mailbox_hand(delivery, &delivery->message, false);
}

/* ---- got ---- */

void mailbox_acknowledge(delivery_t *delivery)
{
    mailbox_t *mailbox = delivery->mailbox;

    if (mailbox->epoch != 0) {
        store_client_acknowledge(mailbox->server->store, delivery);
        return;
    }
    TAILQ_INSERT_TAIL(&mailbox->unclaimed, delivery, in_queue);
    mailbox_claim(mailbox);
}

/* Received, though it is not on disk and need not be any more. */
void mailbox_finish_received(delivery_t *delivery)
{
    receipts_delivered(delivery->mailbox->server, delivery);
    receipts_remember(delivery->mailbox->server, delivery, RECEIPT_DELIVERED);
    mailbox_forget(delivery);
}

void mailbox_finish_unanswered(delivery_t *delivery)
{
    if (!delivery->attempted) {
        mailbox_finish_received(delivery);
        return;
    }
    /* It may be on disk, or come there late: then it must not be read. */
    receipts_delivered(delivery->mailbox->server, delivery);
    receipts_remember(delivery->mailbox->server, delivery, RECEIPT_DELIVERED);
    mailbox_set_put(delivery, PUT_STORED);
    delivery_drop_body(delivery);
    store_client_receive(delivery->mailbox->server->store, delivery);
}

/* For the store to know a repeat; metadata may say that the message takes another one out of the mailbox. */
static bool is_key_enough(const delivery_t *delivery)
{
    return !delivery->attempted && delivery->message.metadata_length <= 2;
}

void mailbox_got(delivery_t *delivery)
{
    server_t *server = delivery->mailbox->server;
    mailbox_t *mailbox = delivery->mailbox;

    delivery->got = true;
    mailbox->unread--;
    mailbox->pins++;
    if (delivery->put == PUT_STORED) {
        receipts_delivered(server, delivery);
        mailbox_acknowledge(delivery);
    } else if (delivery->put != PUT_QUEUED) {
        mailbox_finish_received(delivery);
    } else if (store_client_state(server->store) != ERR_OK) {
        if (store_client_take_back(server->store, delivery))
            mailbox_finish_unanswered(delivery);
    } else if (is_key_enough(delivery) && store_client_take_back(server->store, delivery)) {
        store_client_receive(server->store, delivery);
    } /* else its put is answered first */
    mailbox->pins--;
    if (mailbox->state == MAILBOX_PACED)
        mailbox_on_drain(mailbox);
    mailbox_settle(mailbox);
}

/* ---- the session ---- */

void mailbox_open(mailbox_t *mailbox, session_t *session)
{
    mailbox->session = session;
    mailbox->generation++;
    mailbox->last_seq = 0;
    if (store_client_state(mailbox->server->store) == ERR_OK) {
        mailbox_drain(mailbox);
        return;
    }
    mailbox->state = MAILBOX_AWAY;
    mailbox->behind = !mailbox_hand_waiting(mailbox);
}

/* What was in memory alone goes to the store. */
static void spill(delivery_t *delivery)
{
    mailbox_set_put(delivery, PUT_QUEUED);
    store_client_put(delivery->mailbox->server->store, delivery);
}

/* What was handed over but not received: on disk it waits there, else it goes there. */
static void leave(delivery_t *delivery)
{
    server_t *server = delivery->mailbox->server;

    delivery->handed = delivery->written = false;
    if (delivery->got)
        return;
    switch (delivery->put) {
    case PUT_NONE:
        spill(delivery);
        break;
    case PUT_QUEUED:
        break;
    case PUT_STORED:
        mailbox_forget(delivery);
        break;
    case PUT_REFUSED:
        receipts_rejected(server, delivery, delivery->refusal);
        mailbox_forget(delivery);
        break;
    }
}

static void leave_all(mailbox_t *mailbox)
{
    delivery_t *delivery, *next;

    DELIVERY_EACH(delivery, next, &mailbox->deliveries, in_mailbox)
    {
        leave(delivery);
    }
}

void mailbox_close(mailbox_t *mailbox)
{
    mailbox->session = NULL;
    mailbox->state = MAILBOX_OFFLINE;
    mailbox->generation++;
    mailbox->check = mailbox->again = mailbox->behind = false;
    mailbox->queued = 0;
    mailbox->unread = 0;
    mailbox->pins++;
    mailbox_expand(mailbox);
    leave_all(mailbox);
    mailbox->pins--;
    mailbox_settle(mailbox);
}

void mailbox_spill(mailbox_t *mailbox)
{
    delivery_t *delivery;

    mailbox_expand(mailbox);
    if (mailbox->loose == 0)
        return;
    TAILQ_FOREACH(delivery, &mailbox->deliveries, in_mailbox)
    {
        if (delivery->put == PUT_NONE)
            spill(delivery);
    }
}
