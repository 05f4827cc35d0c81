#include "receipts.h"
#include "mailbox.h"
#include "recent.h"
#include "server.h"
#include "session.h"

/* NULL when the sender is offline. */
static session_t *sender_of(const server_t *server, const delivery_t *delivery)
{
    const mailbox_t *mailbox = mailbox_find(server, delivery->message.sender);
    return mailbox ? mailbox->session : NULL;
}

static void tell(server_t *server, const delivery_t *delivery, receipt_status_t status, err_t why)
{
    session_t *sender = sender_of(server, delivery);
    if (sender)
        sender->protocol->on_receipt(sender, delivery, status, why);
}

void receipts_stored(server_t *server, const delivery_t *delivery)
{
    tell(server, delivery, RECEIPT_STORED, ERR_OK);
}

void receipts_delivered(server_t *server, const delivery_t *delivery)
{
    tell(server, delivery, RECEIPT_DELIVERED, ERR_OK);
}

void receipts_rejected(server_t *server, const delivery_t *delivery, err_t why)
{
    tell(server, delivery, RECEIPT_REJECTED, why);
}

void receipts_remember(server_t *server, const delivery_t *delivery, receipt_status_t status)
{
    char key[DELIVERY_KEY_SIZE];

    if (delivery->origin == 0 || delivery->minted)
        return;
    delivery_key(delivery->message.sender, delivery->message.id, key);
    recent_add(server->recent, key, status);
}

void receipts_answered(server_t *server, delivery_t *delivery)
{
    if (!delivery->unanswered)
        return;
    delivery->unanswered = false;
    session_t *sender = sender_of(server, delivery);
    if (!sender || sender->serial != delivery->origin)
        return;
    sender->unanswered--;
}
