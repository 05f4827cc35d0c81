/* What a message's sender is told of it, if the sender is online; and what is remembered of it. */
#ifndef P2P_SERVER_RECEIPTS_H
#define P2P_SERVER_RECEIPTS_H
#include "../common/frame.h"
#include "delivery.h"

typedef struct server server_t;

void receipts_stored(server_t *server, const delivery_t *delivery);
void receipts_delivered(server_t *server, const delivery_t *delivery);
void receipts_rejected(server_t *server, const delivery_t *delivery, err_t why);
/* A repeat of it will be answered with this status. Not for what came from the store. */
void receipts_remember(server_t *server, const delivery_t *delivery, receipt_status_t status);
/* Its origin's session waits for it no more. Call it again without harm. */
void receipts_answered(server_t *server, delivery_t *delivery);

#endif
