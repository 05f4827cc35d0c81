/* Claims: one batch under way, the next one collects meanwhile. A crowd that logs in at once costs few calls, and the
 * store one transaction for each of them. */
#include "../common/alloc.h"
#include "mailbox.h"
#include "store_calls.h"
#include <stdlib.h>
#include <string.h>

static void finish(job_t *job, err_t err, const store_claimed_t *claimed)
{
    store_client_t *client = job->client;

    client->events.on_claimed(client->context, job->mailbox, err, claimed);
    free(job);
}

static void report(store_client_t *client, err_t err, const store_claimed_t *results)
{
    job_t *batch[STORE_CLAIM_MAX];
    size_t count = client->claim_count;

    memcpy(batch, client->claim_batch, count * sizeof batch[0]);
    client->claim_count = 0;
    for (size_t i = 0; i < count; i++)
        finish(batch[i], err, err == ERR_OK ? &results[i] : NULL);
}

static void on_done(void *context, const http_answer_t *answer)
{
    store_client_t *client = context;
    store_claimed_t results[STORE_CLAIM_MAX];

    if (client->closing)
        return;
    err_t err = store_read_answer(answer);
    if (err == ERR_OK && !store_read_claims(answer->body, answer->length, results, client->claim_count))
        err = ERR_STORE_UNAVAILABLE;
    if (err != ERR_OK) {
        err = store_is_away(err) ? err : ERR_STORE_UNAVAILABLE;
        store_failed(client, err, answer);
    }
    report(client, err, results);
    store_start_claim(client);
}

static void send_claims(store_client_t *client)
{
    const char *usernames[STORE_CLAIM_MAX];
    job_t *job;
    buffer_t body;

    while (client->claim_count < STORE_CLAIM_MAX && (job = TAILQ_FIRST(&client->claims)) != NULL) {
        TAILQ_REMOVE(&client->claims, job, link);
        usernames[client->claim_count] = mailbox_username(job->mailbox);
        client->claim_batch[client->claim_count++] = job;
        client->events.on_claim_sent(client->context, job->mailbox);
    }
    buffer_init(&body, 0);
    if (store_write_claims(&body, usernames, client->claim_count) != ERR_OK)
        abort(); /* no memory for a few names */
    store_post(client, client->claim_link, "/v1/claims", &body, on_done);
    buffer_free(&body);
}

static void on_gathered(uv_timer_t *timer)
{
    store_client_t *client = timer->data;

    if (client->claim_count == 0 && client->state == ERR_OK && !TAILQ_EMPTY(&client->claims))
        send_claims(client);
}

/* Not at once: the first login of a crowd would go alone, and the others wait for its answer. */
void store_start_claim(store_client_t *client)
{
    if (client->claim_count == 0 && !TAILQ_EMPTY(&client->claims) &&
        !uv_is_active((uv_handle_t *)&client->gather))
        uv_timer_start(&client->gather, on_gathered, 0, 0);
}

void store_client_claim(store_client_t *client, mailbox_t *mailbox)
{
    job_t *job = alloc_new(job_t);

    job->client = client;
    job->mailbox = mailbox;
    TAILQ_INSERT_TAIL(&client->claims, job, link);
    store_start_claim(client);
}

void store_fail_claims(store_client_t *client, err_t why)
{
    job_t *job;

    while ((job = TAILQ_FIRST(&client->claims)) != NULL) {
        TAILQ_REMOVE(&client->claims, job, link);
        finish(job, why, NULL);
    }
}

void store_drop_claims(store_client_t *client)
{
    job_t *job;

    while (client->claim_count > 0)
        free(client->claim_batch[--client->claim_count]);
    while ((job = TAILQ_FIRST(&client->claims)) != NULL) {
        TAILQ_REMOVE(&client->claims, job, link);
        free(job);
    }
}
