#include "store_client.h"
#include "../common/alloc.h"
#include "../common/http_client.h"
#include "limits.h"
#include "mailbox.h"
#include <stdlib.h>
#include <string.h>

enum {
    PUT_MAX = 256,
    PUT_MAX_BYTES = 2 * 1024 * 1024, /* of one batch, as counted by delivery_bytes */
    ACKNOWLEDGE_MAX = 1024,
    JOBS_MAX = 4,
    WRITE_CONNECTIONS = 3, /* a put, an acknowledgement, a look at /health */
    CALL_MS = 5000,
    PROBE_MS = 2000,
    PROBE_PAUSE_MS = 400,
    PAGE_MAX_ANSWER = 64 * 1024 * 1024,
};

/* A claim or a page. */
typedef struct job {
    TAILQ_ENTRY(job) link;
    store_client_t *client;
    mailbox_t *mailbox;
    bool is_claim;
    unsigned generation;
    int64_t after;
} job_t;

TAILQ_HEAD(job_list, job);

struct store_client {
    uv_timer_t probe;
    char *base, *token;
    const log_t *log;
    store_events_t events;
    void *context;
    http_client_t *writes, *reads;
    err_t state;
    bool closing;

    struct delivery_list puts;
    delivery_t *put_batch[PUT_MAX];
    size_t put_count;  /* under way */
    size_t one_by_one; /* of the next ones: their batch did not fit, one of them is to blame */

    struct delivery_list acknowledgements;
    delivery_t *ack_batch[ACKNOWLEDGE_MAX]; /* those of one mailbox lie together */
    mailbox_t *ack_mailboxes[ACKNOWLEDGE_MAX];
    size_t ack_count, ack_mailbox_count;

    struct job_list jobs;
    unsigned running;
};

static void start_put(store_client_t *client);
static void start_acknowledge(store_client_t *client);
static void start_jobs(store_client_t *client);

/* ---- calls ---- */

/* The path is appended to the base. False when that makes no address. */
static bool call(store_client_t *client, http_client_t *http, const char *path, const buffer_t *body,
                 uint64_t timeout_ms, http_done_cb on_done, void *context)
{
    char *url = alloc_format("%s%s", client->base, path);
    http_options_t options = {
        .method = body ? "POST" : "GET",
        .url = url,
        .body = body ? buffer_text(body) : NULL,
        .body_length = body ? body->length : 0,
        .bearer = client->token,
        .timeout_ms = timeout_ms,
        .max_answer = PAGE_MAX_ANSWER,
        .on_done = on_done,
        .context = context,
    };

    bool good = http_client_request(http, &options) != NULL;
    free(url);
    return good;
}

/* OK, what the store says about the call, or that it is away. */
static err_t read_answer(const http_answer_t *answer)
{
    if (answer->err != ERR_OK)
        return ERR_STORE_UNAVAILABLE;
    if (answer->status == 200)
        return ERR_OK;
    if (answer->status == 507)
        return ERR_DISK_FULL;
    if (answer->status == 409)
        return ERR_STALE_EPOCH;
    if (answer->status == 400 || answer->status == 413 || answer->status == 422) {
        err_t err = store_read_error(answer->body, answer->length);
        return err == ERR_IO ? ERR_INVALID_FRAME : err;
    }
    return ERR_STORE_UNAVAILABLE;
}

static bool is_away(err_t err)
{
    return err == ERR_STORE_UNAVAILABLE || err == ERR_DISK_FULL;
}

/* ---- away and back ---- */

static void finish_job(job_t *job, err_t err, int64_t epoch, store_page_t *page)
{
    store_client_t *client = job->client;
    mailbox_t *mailbox = job->mailbox;

    if (job->is_claim)
        client->events.on_claimed(client->context, mailbox, err, epoch);
    else
        client->events.on_page(client->context, mailbox, job->generation, err, page);
    free(job);
}

static void go_away(store_client_t *client, err_t why, const http_answer_t *answer)
{
    bool was_up = client->state == ERR_OK;

    client->state = why;
    if (was_up) {
        log_warning(client->log, "store_away", "why=%s transport=%s status=%d", err_code(why),
                    err_code(answer->err), answer->status);
        uv_timer_stop(&client->probe);
    }
    client->events.on_away(client->context, why);
    /* Only those that wait now: none is added while the store is away. */
    job_t *job;
    while ((job = TAILQ_FIRST(&client->jobs)) != NULL) {
        TAILQ_REMOVE(&client->jobs, job, link);
        finish_job(job, why, 0, NULL);
    }
}

static void on_probed(void *context, const http_answer_t *answer);

static void on_probe_due(uv_timer_t *timer)
{
    store_client_t *client = timer->data;

    call(client, client->writes, "/health", NULL, PROBE_MS, on_probed, client);
}

static void probe_later(store_client_t *client)
{
    uv_timer_start(&client->probe, on_probe_due, PROBE_PAUSE_MS, 0);
}

/* Every failed call comes here. */
static void failed(store_client_t *client, err_t why, const http_answer_t *answer)
{
    bool was_up = client->state == ERR_OK;

    go_away(client, why, answer);
    if (was_up)
        probe_later(client);
}

/* The first look comes at the start, when nothing is known. */
static void on_probed(void *context, const http_answer_t *answer)
{
    store_client_t *client = context;

    if (client->closing)
        return;
    err_t err = read_answer(answer);
    if (err != ERR_OK && client->state == ERR_OK)
        failed(client, ERR_STORE_UNAVAILABLE, answer);
    else if (err != ERR_OK)
        probe_later(client);
    if (err != ERR_OK || client->state == ERR_OK)
        return;
    log_info(client->log, "store_back", "after=%s", err_code(client->state));
    client->state = ERR_OK;
    client->events.on_back(client->context);
    start_put(client);
    start_acknowledge(client);
    start_jobs(client);
}

/* ---- puts ---- */

static void return_puts(store_client_t *client)
{
    for (size_t i = client->put_count; i > 0; i--) {
        client->put_batch[i - 1]->in_flight = false;
        TAILQ_INSERT_HEAD(&client->puts, client->put_batch[i - 1], in_queue);
    }
    client->put_count = 0;
}

static void report_puts(store_client_t *client, const store_put_result_t *results)
{
    delivery_t *batch[PUT_MAX];
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
    store_put_result_t results[PUT_MAX];

    if (client->closing)
        return;
    err_t err = read_answer(answer);
    if (err == ERR_OK && !store_read_put(answer->body, answer->length, results, client->put_count))
        err = ERR_STORE_UNAVAILABLE;
    if (err == ERR_OK) {
        report_puts(client, results);
    } else if (is_away(err)) {
        return_puts(client);
        failed(client, err, answer);
    } else if (client->put_count == 1) {
        results[0] = (store_put_result_t){STORE_PUT_REFUSED, err};
        report_puts(client, results);
    } else {
        client->one_by_one = client->put_count;
        return_puts(client);
    }
    start_put(client);
}

static void collect_puts(store_client_t *client)
{
    size_t limit = client->one_by_one > 0 ? 1 : PUT_MAX, bytes = 0;
    delivery_t *delivery;

    if (client->one_by_one > 0)
        client->one_by_one--;
    while (client->put_count < limit && (delivery = TAILQ_FIRST(&client->puts)) != NULL) {
        bytes += delivery_bytes(delivery);
        if (client->put_count > 0 && bytes > PUT_MAX_BYTES)
            return;
        TAILQ_REMOVE(&client->puts, delivery, in_queue);
        delivery->in_flight = true;
        client->put_batch[client->put_count++] = delivery;
    }
}

static void start_put(store_client_t *client)
{
    if (client->put_count > 0 || client->state != ERR_OK || TAILQ_EMPTY(&client->puts))
        return;
    collect_puts(client);
    buffer_t body;
    buffer_init(&body, 0);
    if (store_write_put(&body, client->put_batch, client->put_count) != ERR_OK)
        abort(); /* no memory for 2 MiB of our own */
    call(client, client->writes, "/v1/messages", &body, CALL_MS, on_put_done, client);
    buffer_free(&body);
}

void store_client_put(store_client_t *client, delivery_t *delivery)
{
    TAILQ_INSERT_TAIL(&client->puts, delivery, in_queue);
    start_put(client);
}

bool store_client_take_back(store_client_t *client, delivery_t *delivery)
{
    if (delivery->in_flight)
        return false;
    TAILQ_REMOVE(&client->puts, delivery, in_queue);
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
    delivery_t *batch[ACKNOWLEDGE_MAX];
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
    bool stale[ACKNOWLEDGE_MAX] = {false};

    if (client->closing)
        return;
    err_t err = read_answer(answer);
    if (err == ERR_OK &&
        !store_read_acknowledged(answer->body, answer->length, stale, client->ack_mailbox_count))
        err = ERR_STORE_UNAVAILABLE;
    if (is_away(err)) {
        return_acknowledgements(client);
        failed(client, err, answer);
    } else {
        if (err != ERR_OK)
            log_error(client->log, "acknowledgement_refused", "why=%s", err_code(err));
        report_acknowledged(client, stale);
    }
    start_acknowledge(client);
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

    while (client->ack_count < ACKNOWLEDGE_MAX &&
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

static void start_acknowledge(store_client_t *client)
{
    buffer_t body;

    if (client->ack_count > 0 || client->state != ERR_OK || TAILQ_EMPTY(&client->acknowledgements))
        return;
    collect_acknowledgements(client);
    buffer_init(&body, 0);
    if (write_acknowledgements(client, &body) != ERR_OK)
        abort(); /* no memory for some 200 KiB of our own */
    call(client, client->writes, "/v1/acknowledgements", &body, CALL_MS, on_acknowledge_done, client);
    buffer_free(&body);
}

void store_client_acknowledge(store_client_t *client, delivery_t *delivery)
{
    TAILQ_INSERT_TAIL(&client->acknowledgements, delivery, in_queue);
    start_acknowledge(client);
}

/* ---- claims and pages ---- */

static void on_job_done(void *context, const http_answer_t *answer)
{
    job_t *job = context;
    store_client_t *client = job->client;
    int64_t epoch = 0;
    store_page_t page = {0};

    if (client->closing) {
        free(job);
        return;
    }
    client->running--;
    err_t err = read_answer(answer);
    if (err == ERR_OK && !(job->is_claim ? store_read_claim(answer->body, answer->length, &epoch)
                                         : store_read_page(answer->body, answer->length, &page)))
        err = ERR_STORE_UNAVAILABLE;
    if (err != ERR_OK && err != ERR_STALE_EPOCH) {
        err = is_away(err) ? err : ERR_STORE_UNAVAILABLE;
        failed(client, err, answer);
    }
    finish_job(job, err, epoch, &page);
    store_page_free(&page);
    start_jobs(client);
}

static void start_job(store_client_t *client, job_t *job)
{
    buffer_t text;
    buffer_init(&text, 0);
    const char *username = mailbox_username(job->mailbox);
    err_t err = job->is_claim ? store_write_claim(&text, username)
                              : store_write_page_path(&text, username, mailbox_epoch(job->mailbox),
                                                      job->after, LIMIT_PAGE);
    if (err != ERR_OK)
        abort(); /* no memory for a few bytes */
    if (job->is_claim)
        call(client, client->reads, "/v1/claims", &text, CALL_MS, on_job_done, job);
    else
        call(client, client->reads, buffer_text(&text), NULL, CALL_MS, on_job_done, job);
    buffer_free(&text);
}

static void start_jobs(store_client_t *client)
{
    job_t *job;

    while (client->state == ERR_OK && client->running < JOBS_MAX && (job = TAILQ_FIRST(&client->jobs))) {
        TAILQ_REMOVE(&client->jobs, job, link);
        client->running++;
        start_job(client, job);
    }
}

static void add_job(store_client_t *client, job_t values)
{
    job_t *job = alloc_new(job_t);

    *job = values;
    job->client = client;
    TAILQ_INSERT_TAIL(&client->jobs, job, link);
    start_jobs(client);
}

void store_client_claim(store_client_t *client, mailbox_t *mailbox)
{
    add_job(client, (job_t){.mailbox = mailbox, .is_claim = true});
}

void store_client_read(store_client_t *client, mailbox_t *mailbox, unsigned generation, int64_t after)
{
    add_job(client, (job_t){.mailbox = mailbox, .generation = generation, .after = after});
}

/* ---- the whole ---- */

err_t store_client_state(const store_client_t *client)
{
    return client->state;
}

bool store_client_is_idle(const store_client_t *client)
{
    return client->put_count == 0 && client->ack_count == 0 && TAILQ_EMPTY(&client->puts) &&
           TAILQ_EMPTY(&client->acknowledgements);
}

static void on_probe_closed(uv_handle_t *handle)
{
    store_client_t *client = handle->data;

    free(client->base);
    explicit_bzero(client->token, strlen(client->token));
    free(client->token);
    free(client);
}

void store_client_free(store_client_t *client)
{
    job_t *job;

    client->closing = true;
    http_client_free(client->writes);
    http_client_free(client->reads);
    while ((job = TAILQ_FIRST(&client->jobs)) != NULL) {
        TAILQ_REMOVE(&client->jobs, job, link);
        free(job);
    }
    uv_close((uv_handle_t *)&client->probe, on_probe_closed);
}

store_client_t *store_client_new(uv_loop_t *loop, const char *base, const char *token, const log_t *log,
                                 const store_events_t *events, void *context)
{
    store_client_t *client = alloc_new(store_client_t);
    size_t length = strlen(base);

    while (length > 0 && base[length - 1] == '/')
        length--;
    client->base = alloc_string_n(base, length);
    client->token = alloc_string(token);
    client->log = log;
    client->events = *events;
    client->context = context;
    client->writes = http_client_new(loop, WRITE_CONNECTIONS);
    client->reads = http_client_new(loop, JOBS_MAX);
    TAILQ_INIT(&client->puts);
    TAILQ_INIT(&client->acknowledgements);
    TAILQ_INIT(&client->jobs);
    uv_timer_init(loop, &client->probe);
    client->probe.data = client;
    if (call(client, client->writes, "/health", NULL, PROBE_MS, on_probed, client))
        return client;
    store_client_free(client);
    return NULL;
}
