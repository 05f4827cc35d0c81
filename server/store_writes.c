/* Puts and acknowledgements: one batch of each under way, the next one collects meanwhile. */
#include "limits.h"
#include "mailbox.h"
#include "store_calls.h"
#include <stdlib.h>
#include <string.h>

enum { PUT_MAX_BYTES = 2 * 1024 * 1024 /* of one batch, as counted by delivery_bytes */ };

/* ---- puts ---- */

static bool is_pressing(const delivery_t *delivery)
{
    return !delivery->live || delivery->verdict_first;
}

/* In the queue's own order, so that the order between any two users is kept. */
static void enqueue(store_client_t *client, delivery_t *delivery, bool first)
{
    if (first)
        TAILQ_INSERT_HEAD(&client->puts, delivery, in_queue);
    else
        TAILQ_INSERT_TAIL(&client->puts, delivery, in_queue);
    client->pressing += is_pressing(delivery);
}

static void dequeue(store_client_t *client, delivery_t *delivery)
{
    TAILQ_REMOVE(&client->puts, delivery, in_queue);
    client->pressing -= is_pressing(delivery);
}

/* The first one of the queue has waited for its got long enough, or somebody behind it must not wait. */
static bool is_due(const store_client_t *client)
{
    const delivery_t *first = TAILQ_FIRST(&client->puts);
    return client->pressing > 0 || uv_now(client->hold.loop) - first->queued >= LIMIT_GOT_FIRST;
}

static void return_puts(store_client_t *client)
{
    for (size_t i = client->put_count; i > 0; i--) {
        client->put_batch[i - 1]->in_flight = false;
        enqueue(client, client->put_batch[i - 1], true);
    }
    client->put_count = 0;
}

static void report_puts(store_client_t *client, const store_put_result_t *results)
{
    delivery_t *batch[STORE_PUT_MAX];
    size_t count = client->put_count;

    memcpy(batch, client->put_batch, count * sizeof *batch);
    client->put_count = 0;
    for (size_t i = 0; i < count; i++) {
        batch[i]->in_flight = false;
        client->events.on_put(client->context, batch[i], &results[i]);
    }
}

static void on_put_done(void *context, const http_answer_t *answer)
{
    store_client_t *client = context;
    store_put_result_t results[STORE_PUT_MAX];

    if (client->closing)
        return;
    err_t err = store_read_answer(answer);
    if (err == ERR_OK && !store_read_put(answer->body, answer->length, results, client->put_count))
        err = ERR_STORE_UNAVAILABLE;
    if (err == ERR_OK) {
        report_puts(client, results);
    } else if (store_is_away(err)) {
        return_puts(client);
        store_failed(client, err, answer);
    } else if (client->put_count == 1) {
        results[0] = (store_put_result_t){STORE_PUT_REFUSED, err};
        report_puts(client, results);
    } else {
        client->one_by_one = client->put_count;
        return_puts(client);
    }
    store_start_put(client);
}

static void collect_puts(store_client_t *client)
{
    size_t limit = client->one_by_one > 0 ? 1 : STORE_PUT_MAX, bytes = 0;
    delivery_t *delivery;

    if (client->one_by_one > 0)
        client->one_by_one--;
    while (client->put_count < limit && (delivery = TAILQ_FIRST(&client->puts)) != NULL) {
        if (client->put_count > 0 && !is_due(client))
            return;
        bytes += delivery_bytes(delivery);
        if (client->put_count > 0 && bytes > PUT_MAX_BYTES)
            return;
        dequeue(client, delivery);
        delivery->in_flight = delivery->attempted = true;
        client->put_batch[client->put_count++] = delivery;
    }
}

static void on_held(uv_timer_t *timer)
{
    store_start_put(timer->data);
}

static void hold(store_client_t *client)
{
    uint64_t waited = uv_now(client->hold.loop) - TAILQ_FIRST(&client->puts)->queued;

    if (!uv_is_active((uv_handle_t *)&client->hold))
        uv_timer_start(&client->hold, on_held, LIMIT_GOT_FIRST - waited, 0);
}

void store_start_put(store_client_t *client)
{
    if (client->put_count > 0 || client->state != ERR_OK || TAILQ_EMPTY(&client->puts))
        return;
    if (!is_due(client)) {
        hold(client);
        return;
    }
    collect_puts(client);
    buffer_t body;
    buffer_init(&body, 0);
    if (store_write_put(&body, client->put_batch, client->put_count) != ERR_OK)
        abort(); /* no memory for 2 MiB of our own */
    store_post(client, client->put_link, "/v1/messages", &body, on_put_done);
    buffer_free(&body);
}

void store_client_put(store_client_t *client, delivery_t *delivery)
{
    delivery->queued = uv_now(client->hold.loop);
    enqueue(client, delivery, false);
    store_start_put(client);
}

void store_put_again(store_client_t *client, delivery_t *delivery)
{
    enqueue(client, delivery, false);
    delivery->queued = 0;
}

bool store_client_take_back(store_client_t *client, delivery_t *delivery)
{
    if (delivery->in_flight)
        return false;
    dequeue(client, delivery);
    return true;
}

struct delivery_list *store_client_puts(store_client_t *client)
{
    return &client->puts;
}

/* ---- acknowledgements ---- */

static void return_acknowledgements(store_client_t *client)
{
    for (size_t i = client->ack_count; i > 0; i--) {
        client->ack_batch[i - 1]->in_flight = false;
        TAILQ_INSERT_HEAD(&client->acknowledgements, client->ack_batch[i - 1], in_queue);
    }
    client->ack_count = 0;
}

static void report_acknowledged(store_client_t *client, const bool *stale)
{
    delivery_t *batch[STORE_ACKNOWLEDGE_MAX];
    size_t count = client->ack_count, group = 0;

    memcpy(batch, client->ack_batch, count * sizeof *batch);
    client->ack_count = 0;
    for (size_t i = 0; i < count; i++) {
        /* A mailbox lives as long as one of its deliveries is here; the pointer alone is compared. */
        while (client->ack_mailboxes[group] != batch[i]->mailbox)
            group++;
        batch[i]->in_flight = false;
        client->events.on_acknowledged(client->context, batch[i], stale[group]);
    }
}

static void on_acknowledge_done(void *context, const http_answer_t *answer)
{
    store_client_t *client = context;
    bool stale[STORE_ACKNOWLEDGE_MAX] = {false};

    if (client->closing)
        return;
    err_t err = store_read_answer(answer);
    if (err == ERR_OK &&
        !store_read_acknowledged(answer->body, answer->length, stale, client->ack_mailbox_count))
        err = ERR_STORE_UNAVAILABLE;
    if (store_is_away(err)) {
        return_acknowledgements(client);
        store_failed(client, err, answer);
    } else {
        if (err != ERR_OK)
            log_error(client->log, "acknowledgement_refused", "why=%s", err_code(err));
        report_acknowledged(client, stale);
    }
    store_start_acknowledge(client);
}

static int by_mailbox(const void *a, const void *b)
{
    const delivery_t *const *first = a, *const *second = b;
    uintptr_t x = (uintptr_t)(*first)->mailbox, y = (uintptr_t)(*second)->mailbox;

    return x < y ? -1 : x > y;
}

static void collect_acknowledgements(store_client_t *client)
{
    delivery_t *delivery;

    while (client->ack_count < STORE_ACKNOWLEDGE_MAX &&
           (delivery = TAILQ_FIRST(&client->acknowledgements)) != NULL) {
        TAILQ_REMOVE(&client->acknowledgements, delivery, in_queue);
        delivery->in_flight = true;
        client->ack_batch[client->ack_count++] = delivery;
    }
    qsort(client->ack_batch, client->ack_count, sizeof *client->ack_batch, by_mailbox);
}

static err_t write_acknowledgements(store_client_t *client, buffer_t *body)
{
    buffer_t keys;
    err_t err = buffer_append_text(body, "{\"acknowledgements\":[");

    buffer_init(&keys, 0);
    client->ack_mailbox_count = 0;
    for (size_t i = 0; i < client->ack_count && err == ERR_OK; i++) {
        mailbox_t *mailbox = client->ack_batch[i]->mailbox;
        err = store_write_key(&keys, &client->ack_batch[i]->message);
        if (i + 1 < client->ack_count && client->ack_batch[i + 1]->mailbox == mailbox)
            continue;
        if (err == ERR_OK)
            err = store_write_acknowledgement(body, mailbox_username(mailbox), mailbox_epoch(mailbox),
                                              buffer_text(&keys));
        client->ack_mailboxes[client->ack_mailbox_count++] = mailbox;
        buffer_clear(&keys);
    }
    buffer_free(&keys);
    return err == ERR_OK ? buffer_append_text(body, "]}") : err;
}

void store_start_acknowledge(store_client_t *client)
{
    buffer_t body;

    if (client->ack_count > 0 || client->state != ERR_OK || TAILQ_EMPTY(&client->acknowledgements))
        return;
    collect_acknowledgements(client);
    buffer_init(&body, 0);
    if (write_acknowledgements(client, &body) != ERR_OK)
        abort(); /* no memory for some 200 KiB of our own */
    store_post(client, client->ack_link, "/v1/acknowledgements", &body, on_acknowledge_done);
    buffer_free(&body);
}

void store_client_acknowledge(store_client_t *client, delivery_t *delivery)
{
    TAILQ_INSERT_TAIL(&client->acknowledgements, delivery, in_queue);
    store_start_acknowledge(client);
}
