#include "router.h"
#include "limits.h"
#include "receipts.h"
#include "server.h"
#include <string.h>

/* ---- to everyone ---- */

static void broadcast(session_t *session, delivery_t *delivery)
{
    if (!session->authorised) {
        session->protocol->on_receipt(session, delivery, RECEIPT_REJECTED, ERR_UNAUTHORIZED);
        return;
    }
    for (session_t *user = users_first(session->server->users); user; user = users_next(user))
        user->protocol->broadcast(user, &delivery->message);
    /* Nothing more will be known of it, but a repeat must not be shown again. */
    session->protocol->on_receipt(session, delivery, RECEIPT_DELIVERED, ERR_OK);
    receipts_remember(session->server, delivery, RECEIPT_DELIVERED);
}

/* ---- repeats ---- */

/* The session waits for the store's answer. */
static void await_answer(session_t *session, delivery_t *delivery)
{
    delivery->origin = session->serial;
    delivery->unanswered = true;
    session->unanswered++;
}

/* True when the message is known here: answered, or its answer will come. */
static bool is_repeat(session_t *session, const delivery_t *repeat)
{
    server_t *server = session->server;
    char key[DELIVERY_KEY_SIZE];
    receipt_status_t status;

    if (repeat->minted)
        return false;
    delivery_key(repeat->message.sender, repeat->message.id, key);
    delivery_t *first = hash_get(server->tracked, key);
    if (first && first->put == PUT_QUEUED) {
        receipts_answered(server, first); /* the former session, if that is there still */
        await_answer(session, first);
        return true;
    }
    if (first && first->put != PUT_STORED)
        return true; /* its receipt comes with got, or with the session's end */
    bool known = recent_find(server->recent, key, &status);
    if (!first && !known)
        return false;
    session->protocol->on_receipt(session, repeat, known ? status : RECEIPT_STORED, ERR_OK);
    return true;
}

/* ---- to one ---- */

/* Why the message cannot be taken now; OK when it can. */
static err_t refusal(const server_t *server, const mailbox_t *mailbox, bool live, bool put)
{
    err_t state = store_client_state(server->store);

    if (server->stopping)
        return ERR_BUSY;
    if (put && state != ERR_OK && (!live || mailbox_is_full(mailbox) || server->unstored_full))
        return state;
    return ERR_OK;
}

static void send_to_one(session_t *session, delivery_t *delivery)
{
    server_t *server = session->server;
    mailbox_t *mailbox = mailbox_get(server, delivery->message.destination);
    session->last_to = mailbox;
    session->last_freed = server->mailboxes_freed;
    bool live = mailbox_is_live(mailbox, delivery->message.type);
    /* The store knows whether a repeat is one. What its sender sends behind it, in this session or the next, must
     * not overtake it. */
    bool ask = delivery->resend || session->mailbox->verdicts > 0;
    bool waits = mailbox_must_wait(mailbox);
    bool put = !server->config->direct || !live || ask || waits || mailbox_is_full(mailbox) ||
               server->unstored > LIMIT_UNSTORED / 2;
    err_t err = refusal(server, mailbox, live, put);

    if (err != ERR_OK) {
        session->protocol->on_receipt(session, delivery, RECEIPT_REJECTED, err);
        delivery_free(delivery);
        mailbox_settle(mailbox);
        return;
    }
    delivery->live = live;
    delivery->tell_saved = !mailbox->session;
    delivery->verdict_first = put && ask;
    session->mailbox->verdicts += delivery->verdict_first;
    if (put)
        await_answer(session, delivery);
    mailbox_take(mailbox, delivery, put);
    if (server_is_full(server))
        session_hold_back(session);
}

void router_send(session_t *session, message_t *message, bool resend)
{
    delivery_t *delivery = delivery_new(message);
    message_t *own = &delivery->message;

    strcpy(own->sender, session_username(session));
    memcpy(own->timestamp, stamp_text(&session->server->stamp), sizeof own->timestamp);
    delivery->minted = own->id[0] == '\0';
    if (delivery->minted)
        stamp_id(&session->server->stamp, own->id);
    delivery->origin = session->serial;
    delivery->resend = resend;
    if (is_repeat(session, delivery)) {
        delivery_free(delivery);
    } else if (strcmp(own->destination, "all") == 0) {
        broadcast(session, delivery);
        delivery_free(delivery);
    } else {
        send_to_one(session, delivery);
    }
}

void router_partial(session_t *session, const char *destination, const char *id, const char *text)
{
    const mailbox_t *mailbox = mailbox_find(session->server, destination);
    session_t *receiver = mailbox ? mailbox->session : NULL;

    if (!receiver || receiver->protocol != &json_protocol ||
        output_queue_bytes(receiver->output) > LIMIT_PARTIAL_AHEAD)
        return;
    frame_write_partial(session_begin(receiver), FRAME_SIDE_SERVER, session_username(session), id, text,
                        strlen(text));
    session_flush(receiver);
}
