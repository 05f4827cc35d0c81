/* What the store says of the messages that were put, and what is done while it says nothing. */
#include "limits.h"
#include "mailbox_drain.h"
#include "receipts.h"
#include "server.h"
#include "session.h"

/* It is on disk and nobody has been handed it yet. */
static void wait_on_disk(delivery_t *delivery)
{
    mailbox_t *mailbox = delivery->mailbox;

    if (!mailbox->session) {
        mailbox_forget(delivery);
    } else if (!mailbox_is_live(mailbox, delivery->message.type)) {
        if (mailbox_is_draining(mailbox))
            mailbox->again = true;
        else
            session_note_waiting(mailbox->session);
        mailbox_forget(delivery);
    } else if (mailbox->behind) {
        mailbox->queued += delivery_bytes(delivery);
    } else if (!mailbox_is_draining(mailbox)) {
        mailbox_hand(delivery, &delivery->message, false);
    } else if (mailbox->queued + delivery_bytes(delivery) > LIMIT_MAILBOX_QUEUED) {
        mailbox->again = true; /* it comes from the store in its turn */
        mailbox_forget(delivery);
    } else {
        mailbox->queued += delivery_bytes(delivery);
    }
}

static void on_stored(server_t *server, delivery_t *delivery)
{
    mailbox_set_put(delivery, PUT_STORED);
    receipts_stored(server, delivery);
    receipts_remember(server, delivery, RECEIPT_STORED);
    if (delivery->got) {
        receipts_delivered(server, delivery);
        mailbox_acknowledge(delivery);
    } else if (delivery->handed) {
        delivery_drop_body(delivery);
    } else {
        wait_on_disk(delivery);
    }
}

/* Its recipient had it before it was on disk, and nothing of it is there but the key. */
static void on_received(server_t *server, delivery_t *delivery)
{
    receipts_stored(server, delivery);
    mailbox_finish_received(delivery);
}

/* A repeat whose first copy is in the mailbox or was received: it is not handed on. */
static void on_repeat(server_t *server, delivery_t *delivery)
{
    mailbox_t *mailbox = delivery->mailbox;

    mailbox->pins++;
    receipts_stored(server, delivery);
    receipts_remember(server, delivery, RECEIPT_STORED);
    mailbox_forget(delivery);
    mailbox->pins--;
    /* The first copy may have come to the disk behind our last look at the mailbox. */
    if (mailbox_is_draining(mailbox))
        mailbox->again = true;
    else if (mailbox->state == MAILBOX_LIVE)
        mailbox_drain(mailbox);
    mailbox_settle(mailbox);
}

static void on_refused(server_t *server, delivery_t *delivery, err_t why)
{
    if (delivery->got) {
        mailbox_finish_received(delivery);
    } else if (delivery->handed) {
        /* The recipient may have it: that is known when it says got, or at the session's end. */
        delivery->refusal = why;
        mailbox_set_put(delivery, PUT_REFUSED);
        delivery_drop_body(delivery);
    } else {
        receipts_rejected(server, delivery, why);
        mailbox_forget(delivery);
    }
}

/* Its sender was told while nobody knew whether it was on disk. Where its key was new to the store it is not, and never
 * will be. */
static void on_key_put(delivery_t *delivery, store_put_t status)
{
    if (status == STORE_PUT_RECEIVED)
        mailbox_forget(delivery);
    else
        mailbox_acknowledge(delivery);
}

static void on_put(void *context, delivery_t *delivery, const store_put_result_t *result)
{
    server_t *server = context;

    if (delivery->put == PUT_STORED)
        on_key_put(delivery, result->status);
    else if (result->status == STORE_PUT_RECEIVED)
        on_received(server, delivery);
    else if (result->status == STORE_PUT_REFUSED)
        on_refused(server, delivery, result->refusal);
    else if (result->status == STORE_PUT_DUPLICATE && delivery->verdict_first && !delivery->handed &&
             !delivery->got)
        on_repeat(server, delivery);
    else
        on_stored(server, delivery);
}

static void on_acknowledged(void *context, delivery_t *delivery, bool stale)
{
    (void)context;
    if (stale) {
        delivery->mailbox->epoch = 0;
        mailbox_acknowledge(delivery);
    } else if (delivery->mailbox->reads > 0) {
        delivery->acknowledged = true;
        delivery->mailbox->acknowledged++;
    } else {
        mailbox_forget(delivery);
    }
}

/* A put that cannot be made now. Messages to people who were online, or who have come since, stay in memory:
 * they may be received without the disk, and are stored when it is back. Others are refused at once. */
static void decide(server_t *server, delivery_t *delivery, err_t why)
{
    if (!delivery->got && (delivery->live || delivery->handed))
        return;
    store_client_take_back(server->store, delivery);
    if (delivery->got) {
        mailbox_finish_unanswered(delivery);
        return;
    }
    receipts_rejected(server, delivery, why);
    mailbox_forget(delivery);
}

static void on_away(void *context, err_t why)
{
    server_t *server = context;
    delivery_t *delivery, *next;
    size_t position = 0;
    const char *username;
    void *mailbox;

    while (hash_next(server->mailboxes, &position, &username, &mailbox)) {
        if (mailbox_is_draining(mailbox))
            mailbox_store_is_away(mailbox, why);
    }
    DELIVERY_EACH(delivery, next, store_client_puts(server->store), in_queue)
    {
        decide(server, delivery, why);
    }
}

static void on_back(void *context)
{
    server_t *server = context;
    size_t position = 0;
    const char *username;
    void *mailbox;

    while (hash_next(server->mailboxes, &position, &username, &mailbox))
        mailbox_store_is_back(mailbox);
}

const store_events_t mailbox_store_events = {
    .on_put = on_put,
    .on_acknowledged = on_acknowledged,
    .on_claimed = mailbox_on_claimed,
    .on_claim_sent = mailbox_on_claim_sent,
    .on_page = mailbox_on_page,
    .on_away = on_away,
    .on_back = on_back,
};
