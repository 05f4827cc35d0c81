#include "store_client.h"
#include "../common/alloc.h"
#include "limits.h"
#include "mailbox.h"
#include "store_calls.h"
#include <stdlib.h>
#include <string.h>

enum {
    PAGES_MAX = 4,
    CONNECTIONS =
        PAGES_MAX + 5, /* and a put, an acknowledgement, received keys, a claim, a look at /health */
    PROBE_MS = 2000,
    PROBE_PAUSE_MS = 400,
    LARGEST_ANSWER = 64 * 1024 * 1024,
};

static void start_pages(store_client_t *client);

/* ---- calls ---- */

/* body NULL: a GET. False when that makes no address. */
static bool request(store_client_t *client, const char *path, const buffer_t *body, uint64_t timeout_ms,
                    http_done_cb on_done, void *context)
{
    char *url = alloc_format("%s%s", client->base, path);
    http_options_t options = {
        .method = body ? "POST" : "GET",
        .url = url,
        .body = body ? buffer_text(body) : NULL,
        .body_length = body ? body->length : 0,
        .bearer = client->token,
        .timeout_ms = timeout_ms,
        .max_answer = LARGEST_ANSWER,
        .on_done = on_done,
        .context = context,
    };

    bool good = http_client_request(client->http, &options) != NULL;
    free(url);
    return good;
}

void store_post(store_client_t *client, store_link_t *link, const char *path, const buffer_t *body,
                http_done_cb on_done)
{
    if (link)
        store_link_post(link, path, body, STORE_CALL_MS, on_done, client);
    else
        request(client, path, body, STORE_CALL_MS, on_done, client);
}

err_t store_read_answer(const http_answer_t *answer)
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

bool store_is_away(err_t err)
{
    return err == ERR_STORE_UNAVAILABLE || err == ERR_DISK_FULL;
}

/* ---- away and back ---- */

static void finish_page(job_t *job, err_t err, store_page_t *page)
{
    store_client_t *client = job->client;

    client->events.on_page(client->context, job->mailbox, job->generation, err, page);
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
    store_return_received(client);
    client->events.on_away(client->context, why);
    /* Only those that wait now: none is added while the store is away. */
    job_t *job;
    store_fail_claims(client, why);
    while ((job = TAILQ_FIRST(&client->pages)) != NULL) {
        TAILQ_REMOVE(&client->pages, job, link);
        finish_page(job, why, NULL);
    }
}

static void on_probed(void *context, const http_answer_t *answer);

static void on_probe_due(uv_timer_t *timer)
{
    store_client_t *client = timer->data;

    request(client, "/health", NULL, PROBE_MS, on_probed, client);
}

static void probe_later(store_client_t *client)
{
    uv_timer_start(&client->probe, on_probe_due, PROBE_PAUSE_MS, 0);
}

void store_failed(store_client_t *client, err_t why, const http_answer_t *answer)
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
    err_t err = store_read_answer(answer);
    if (err != ERR_OK && client->state == ERR_OK)
        store_failed(client, ERR_STORE_UNAVAILABLE, answer);
    else if (err != ERR_OK)
        probe_later(client);
    if (err != ERR_OK || client->state == ERR_OK)
        return;
    log_info(client->log, "store_back", "after=%s", err_code(client->state));
    client->state = ERR_OK;
    client->events.on_back(client->context);
    store_start_put(client);
    store_start_acknowledge(client);
    store_start_received(client);
    store_start_claim(client);
    start_pages(client);
}

/* ---- pages ---- */

static void on_page_done(void *context, const http_answer_t *answer)
{
    job_t *job = context;
    store_client_t *client = job->client;
    store_page_t page = {0};

    if (client->closing) {
        free(job);
        return;
    }
    client->running--;
    err_t err = store_read_answer(answer);
    if (err == ERR_OK && !store_read_page(answer->body, answer->length, &page))
        err = ERR_STORE_UNAVAILABLE;
    if (err != ERR_OK && err != ERR_STALE_EPOCH) {
        err = store_is_away(err) ? err : ERR_STORE_UNAVAILABLE;
        store_failed(client, err, answer);
    }
    if (page.unreadable > 0)
        log_warning(client->log, "messages_unreadable", "user=%s count=%zu last_seq=%lld",
                    mailbox_username(job->mailbox), page.unreadable, (long long)page.last_seq);
    finish_page(job, err, &page);
    store_page_free(&page);
    start_pages(client);
}

static void start_page(store_client_t *client, job_t *job)
{
    buffer_t path;
    const mailbox_t *mailbox = job->mailbox;

    buffer_init(&path, 0);
    if (store_write_page_path(&path, mailbox_username(mailbox), mailbox_epoch(mailbox), job->after,
                              LIMIT_PAGE) != ERR_OK)
        abort(); /* no memory for a few bytes */
    request(client, buffer_text(&path), NULL, STORE_CALL_MS, on_page_done, job);
    buffer_free(&path);
}

static void start_pages(store_client_t *client)
{
    job_t *job;

    while (client->state == ERR_OK && client->running < PAGES_MAX && (job = TAILQ_FIRST(&client->pages))) {
        TAILQ_REMOVE(&client->pages, job, link);
        client->running++;
        start_page(client, job);
    }
}

void store_client_read(store_client_t *client, mailbox_t *mailbox, unsigned generation, int64_t after)
{
    job_t *job = alloc_new(job_t);

    job->client = client;
    job->mailbox = mailbox;
    job->generation = generation;
    job->after = after;
    TAILQ_INSERT_TAIL(&client->pages, job, link);
    start_pages(client);
}

/* ---- the whole ---- */

err_t store_client_state(const store_client_t *client)
{
    return client->state;
}

bool store_client_is_idle(const store_client_t *client)
{
    return client->put_count == 0 && client->ack_count == 0 && TAILQ_EMPTY(&client->puts) &&
           TAILQ_EMPTY(&client->acknowledgements) && client->running == 0 && TAILQ_EMPTY(&client->pages) &&
           client->received_count == 0 && TAILQ_EMPTY(&client->received) && client->claim_count == 0 &&
           TAILQ_EMPTY(&client->claims);
}

static void on_timer_closed(uv_handle_t *handle)
{
    store_client_t *client = handle->data;

    if (--client->open_timers > 0)
        return;
    free(client->base);
    explicit_bzero(client->token, strlen(client->token));
    free(client->token);
    free(client);
}

/* All at once: none may fire when the links are gone. */
static void close_timers(store_client_t *client)
{
    uv_timer_t *timers[] = {&client->probe, &client->hold, &client->gather, &client->pace};

    client->open_timers = sizeof timers / sizeof timers[0];
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++)
        uv_close((uv_handle_t *)timers[i], on_timer_closed);
}

void store_client_free(store_client_t *client)
{
    job_t *job;

    client->closing = true;
    http_client_free(client->http);
    store_link_free(client->put_link);
    store_link_free(client->ack_link);
    store_link_free(client->received_link);
    store_link_free(client->claim_link);
    store_drop_claims(client);
    while ((job = TAILQ_FIRST(&client->pages)) != NULL) {
        TAILQ_REMOVE(&client->pages, job, link);
        free(job);
    }
    close_timers(client);
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
    client->http = http_client_new(loop, CONNECTIONS);
    client->put_link = store_link_new(loop, client->base, token);
    client->ack_link = store_link_new(loop, client->base, token);
    client->received_link = store_link_new(loop, client->base, token);
    client->claim_link = store_link_new(loop, client->base, token);
    TAILQ_INIT(&client->puts);
    TAILQ_INIT(&client->acknowledgements);
    TAILQ_INIT(&client->received);
    TAILQ_INIT(&client->claims);
    TAILQ_INIT(&client->pages);
    uv_timer_init(loop, &client->probe);
    client->probe.data = client;
    uv_timer_init(loop, &client->hold);
    client->hold.data = client;
    uv_timer_init(loop, &client->gather);
    client->gather.data = client;
    uv_timer_init(loop, &client->pace);
    client->pace.data = client;
    if (request(client, "/health", NULL, PROBE_MS, on_probed, client))
        return client;
    store_client_free(client);
    return NULL;
}
