/* Messages that were received before their put was sent: their keys alone go to the store, so that a repeat is
 * recognised. One batch under way, the next one collects meanwhile. */
#include "mailbox.h"
#include "store_calls.h"
#include <stdlib.h>
#include <string.h>

/* attempted: the store has seen them, whatever it made of them. */
static void put_again(store_client_t *client, bool attempted)
{
    for (size_t i = 0; i < client->received_count; i++) {
        delivery_t *delivery = client->received_batch[i];
        delivery->in_flight = false;
        delivery->attempted = attempted;
        store_put_again(client, delivery);
    }
    client->received_count = 0;
}

void store_return_received(store_client_t *client)
{
    delivery_t *delivery;

    while ((delivery = TAILQ_FIRST(&client->received)) != NULL) {
        TAILQ_REMOVE(&client->received, delivery, in_queue);
        store_put_again(client, delivery);
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
        put_again(client, false);
        store_failed(client, err, answer);
    } else {
        log_error(client->log, "received_refused", "why=%s", err_code(err));
        put_again(client, true);
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
    store_call(client, client->writes, "/v1/received", &body, STORE_CALL_MS, on_received_done, client);
    buffer_free(&body);
}

void store_client_receive(store_client_t *client, delivery_t *delivery)
{
    TAILQ_INSERT_TAIL(&client->received, delivery, in_queue);
    store_start_received(client);
}
