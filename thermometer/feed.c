#include "feed.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "report.h"
#include <stdlib.h>

struct feed {
    subscribers_t *subscribers;
    feed_send_cb send;
    void *context;
    reading_t reading;
    uint64_t round;    /* of readings, 0 = none yet */
    hash_t *in_flight; /* ids to subscribers */
};

feed_t *feed_new(subscribers_t *subscribers, feed_send_cb send, void *context)
{
    feed_t *feed = alloc_new(feed_t);

    feed->subscribers = subscribers;
    feed->send = send;
    feed->context = context;
    feed->in_flight = hash_new();
    return feed;
}

void feed_free(feed_t *feed)
{
    if (!feed)
        return;
    hash_free(feed->in_flight);
    free(feed);
}

static bool send_reading(feed_t *feed, subscriber_t *subscriber)
{
    int64_t replaced = subscriber_replaced(subscriber);
    char replaces[ID_SIZE];
    message_t message;
    report_t report;

    key_reading_id(subscriber->key, replaced, replaces);
    report_init(&report);
    report_reading(&report, &feed->reading, replaced > 0 ? replaces : NULL);
    message_make(&message, "", subscriber->name, buffer_text(&report.text), report.text.length,
                 MESSAGE_SUBSCRIPTION);
    message_set_metadata(&message, buffer_text(&report.metadata));
    key_reading_id(subscriber->key, subscriber->number + 1, message.id);
    bool sent = feed->send(feed->context, &message, subscriber->doubtful > 0);
    if (sent) {
        subscriber->in_flight = true;
        hash_put(feed->in_flight, message.id, subscriber);
    }
    message_free(&message);
    report_free(&report);
    return sent;
}

void feed_pump(feed_t *feed)
{
    subscriber_t *next;

    /* Who was served last stands at the end, so the first tells whether anybody is left. */
    while (hash_count(feed->in_flight) < FEED_WINDOW && (next = subscribers_first(feed->subscribers)) &&
           next->round != feed->round) {
        if (!next->in_flight && !send_reading(feed, next))
            return;
        feed_skip(feed, next);
    }
}

void feed_offer(feed_t *feed, const reading_t *reading)
{
    feed->reading = *reading;
    feed->round++;
    feed_pump(feed);
}

void feed_skip(feed_t *feed, subscriber_t *subscriber)
{
    subscriber->round = feed->round;
    subscribers_move_to_end(feed->subscribers, subscriber);
}

static void take_back(feed_t *feed, subscriber_t *subscriber, const char *id)
{
    hash_remove(feed->in_flight, id);
    subscriber->in_flight = false;
}

void feed_forget(feed_t *feed, subscriber_t *subscriber)
{
    char id[ID_SIZE];

    if (!subscriber->in_flight)
        return;
    key_reading_id(subscriber->key, subscriber->number + 1, id);
    take_back(feed, subscriber, id);
}

bool feed_is_idle(const feed_t *feed)
{
    return hash_count(feed->in_flight) == 0;
}

bool feed_on_receipt(feed_t *feed, const char *id, receipt_status_t status)
{
    subscriber_t *subscriber = hash_get(feed->in_flight, id);

    if (!subscriber)
        return false;
    take_back(feed, subscriber, id);
    subscriber_advance(subscriber, status != RECEIPT_REJECTED);
    feed_pump(feed);
    return true;
}
