/* Brings each reading to every subscriber. At most one reading of a subscriber is on its way, and few in all, so
 * that answers to commands never wait behind thousands of readings; who is not reached before the next reading
 * gets that one. The number of a reading counts once its receipt is here: after a crash the number is used again,
 * and if the store knows that message already, then nothing is shown twice. */
#ifndef P2P_FEED_H
#define P2P_FEED_H
#include "common/frame.h"
#include "readings.h"
#include "subscribers.h"

enum {
    FEED_WINDOW = 128, /* readings sent and not acknowledged */
};

typedef struct feed feed_t;
/* Sends; false when it cannot now (then it is tried again with the next receipt or reading). again: it may have
 * been sent before the program was started. */
typedef bool (*feed_send_cb)(void *context, message_t *message, bool again);

feed_t *feed_new(subscribers_t *subscribers, feed_send_cb send, void *context);
void feed_free(feed_t *feed);
/* To every subscriber of now. */
void feed_offer(feed_t *feed, const reading_t *reading);
/* Sends as far as the window allows; call it when the session is online again. */
void feed_pump(feed_t *feed);
/* Has the subscriber come after the current reading? Then only the next one is for it. */
void feed_skip(feed_t *feed, subscriber_t *subscriber);
/* Before a subscriber is removed. */
void feed_forget(feed_t *feed, subscriber_t *subscriber);
/* No reading is on its way. */
bool feed_is_idle(const feed_t *feed);
/* True when it is about a reading. */
bool feed_on_receipt(feed_t *feed, const char *id, receipt_status_t status);

#endif
