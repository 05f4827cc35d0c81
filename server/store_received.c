/* Messages that were received before their put was sent, or while nobody could know what became of it: their keys alone
 * go to the store, so that a repeat is recognised, be it a put that comes late. One batch under way, the next one
 * collects meanwhile. */
#include "mailbox.h"
#include "store_calls.h"
#include <stdlib.h>
#include <string.h>

enum {
    /* Between two calls; not behind one of a single conversation or two, nor behind a large one or while more wait. */
    PACE_MS = 5,
    PACED_FROM = 8, /* keys */
    PACED_BELOW = 1024,
    MIXED_KEYS = 1024, /* so many are looked at for those that lie together */
};

/* Those that may be on disk wait for the store as keys; of the others nothing is there, so they are puts again. */
static void return_batch(store_client_t *client)
{
    for (size_t i = client->received_count; i > 0; i--) {
        delivery_t *delivery = client->received_batch[i - 1];
        delivery->in_flight = false;
        TAILQ_INSERT_HEAD(&client->received, delivery, in_queue);
    }
    client->received_count = 0;
}

void store_return_received(store_client_t *client)
{
    delivery_t *delivery, *next;

    DELIVERY_EACH(delivery, next, &client->received, in_queue)
    {
        if (delivery->put == PUT_STORED)
            continue;
        TAILQ_REMOVE(&client->received, delivery, in_queue);
        store_put_again(client, delivery);
    }
}

/* The store takes no such key, whatever is wrong with it: it sees the messages themselves. */
static void put_batch_again(store_client_t *client)
{
    delivery_t *batch[STORE_RECEIVED_MAX];
    size_t count = client->received_count;

    memcpy(batch, client->received_batch, count * sizeof *batch);
    client->received_count = 0;
    for (size_t i = 0; i < count; i++) {
        store_put_result_t known = {STORE_PUT_DUPLICATE, ERR_OK};
        batch[i]->in_flight = false;
        if (batch[i]->put == PUT_STORED) {
            client->events.on_put(client->context, batch[i], &known);
            continue;
        }
        batch[i]->attempted = true;
        store_put_again(client, batch[i]);
    }
}

static void report(store_client_t *client, const bool *duplicate)
{
    delivery_t *batch[STORE_RECEIVED_MAX];
    size_t count = client->received_count;

    memcpy(batch, client->received_batch, count * sizeof *batch);
    client->received_count = 0;
    for (size_t i = 0; i < count; i++) {
        store_put_result_t result = {duplicate[i] ? STORE_PUT_DUPLICATE : STORE_PUT_RECEIVED, ERR_OK};
        batch[i]->in_flight = false;
        client->events.on_put(client->context, batch[i], &result);
    }
}

static void on_received_done(void *context, const http_answer_t *answer)
{
    store_client_t *client = context;
    bool duplicate[STORE_RECEIVED_MAX];

    if (client->closing)
        return;
    client->received_done = client->received_paced ? uv_now(client->pace.loop) : 0;
    err_t err = store_read_answer(answer);
    if (err == ERR_OK &&
        !store_read_duplicates(answer->body, answer->length, duplicate, client->received_count))
        err = ERR_STORE_UNAVAILABLE;
    if (err == ERR_OK) {
        report(client, duplicate);
    } else if (store_is_away(err)) {
        return_batch(client);
        store_failed(client, err, answer);
    } else {
        log_error(client->log, "received_refused", "why=%s", err_code(err));
        put_batch_again(client);
        store_start_put(client);
    }
    store_start_received(client);
}

static bool is_of_sender(const delivery_t *delivery, const delivery_t *other)
{
    return strcmp(delivery->message.sender, other->message.sender) == 0;
}

static int compare_senders(const void *a, const void *b)
{
    const delivery_t *const *left = a, *const *right = b;

    return strcmp((*left)->message.sender, (*right)->message.sender);
}

/* The oldest ones, those of one sender side by side: a call names a sender once, and their keys share a page. */
static size_t take_oldest(store_client_t *client, delivery_t **batch)
{
    delivery_t *delivery;
    size_t count = 0;

    while (count < STORE_RECEIVED_MAX && (delivery = TAILQ_FIRST(&client->received)) != NULL &&
           (count < MIXED_KEYS || is_of_sender(delivery, batch[count - 1]))) {
        TAILQ_REMOVE(&client->received, delivery, in_queue);
        batch[count++] = delivery;
    }
    qsort(batch, count, sizeof *batch, compare_senders);
    return count;
}

/* As many as fit. */
static err_t collect(store_client_t *client, buffer_t *body)
{
    store_received_t received = {0};
    delivery_t **batch = client->received_batch;
    size_t taken = take_oldest(client, batch), count = 0;
    err_t err = ERR_OK;

    while (count < taken && err == ERR_OK && store_received_fits(&received, &batch[count]->message)) {
        batch[count]->in_flight = true;
        err = store_write_received(body, &received, &batch[count++]->message);
    }
    client->received_count = count;
    while (taken > count)
        TAILQ_INSERT_HEAD(&client->received, batch[--taken], in_queue);
    client->received_paced = count >= PACED_FROM && count < PACED_BELOW && TAILQ_EMPTY(&client->received);
    return err == ERR_OK ? store_end_received(body) : err;
}

static void on_paced(uv_timer_t *timer)
{
    store_start_received(timer->data);
}

/* A call and a commit cost as much as some fifty keys, and those of one sender lie together: what comes shortly behind a
 * call waits for more. */
static bool must_pace(store_client_t *client)
{
    uint64_t passed = uv_now(client->pace.loop) - client->received_done;

    if (passed >= PACE_MS)
        return false;
    if (!uv_is_active((uv_handle_t *)&client->pace))
        uv_timer_start(&client->pace, on_paced, PACE_MS - passed, 0);
    return true;
}

void store_start_received(store_client_t *client)
{
    buffer_t body;

    if (client->received_count > 0 || client->state != ERR_OK || TAILQ_EMPTY(&client->received) ||
        must_pace(client))
        return;
    buffer_init(&body, 0);
    if (collect(client, &body) != ERR_OK)
        abort(); /* no memory for some 300 KiB of our own */
    store_post(client, client->received_link, "/v1/received", &body, on_received_done);
    buffer_free(&body);
}

void store_client_receive(store_client_t *client, delivery_t *delivery)
{
    TAILQ_INSERT_TAIL(&client->received, delivery, in_queue);
    store_start_received(client);
}
