/* Messages that were received before their put was sent, or while nobody could know what became of it: their keys alone
 * go to the store, so that a repeat is recognised, be it a put that comes late. One batch under way, the next one
 * collects meanwhile. */
#include "mailbox.h"
#include "store_calls.h"
#include <stdlib.h>
#include <string.h>

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

/* As many as fit. */
static err_t collect(store_client_t *client, buffer_t *body)
{
    store_received_t received = {0};
    delivery_t *delivery;
    err_t err = ERR_OK;

    while (client->received_count < STORE_RECEIVED_MAX && err == ERR_OK &&
           (delivery = TAILQ_FIRST(&client->received)) != NULL &&
           store_received_fits(&received, &delivery->message)) {
        TAILQ_REMOVE(&client->received, delivery, in_queue);
        delivery->in_flight = true;
        client->received_batch[client->received_count++] = delivery;
        err = store_write_received(body, &received, &delivery->message);
    }
    return err == ERR_OK ? store_end_received(body) : err;
}

void store_start_received(store_client_t *client)
{
    buffer_t body;

    if (client->received_count > 0 || client->state != ERR_OK || TAILQ_EMPTY(&client->received))
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
