#include "completion.h"
#include "common/alloc.h"
#include "common/backoff.h"
#include "common/http_client.h"
#include "sse.h"
#include <stdlib.h>
#include <string.h>

enum {
    TRIES = 3,
    FIRST_WAIT_MS = 500,
    LAST_WAIT_MS = 8000,
    LONGEST_PAUSE_MS = 600000,    /* whatever Retry-After says: then one question finds out */
    END_MS = 300,                 /* behind [DONE] the server has this long to end the answer properly */
    MAX_EVENT = 256 * 1024,       /* one event's data, or a whole completion */
    MAX_ANSWER = 8 * 1024 * 1024, /* bytes of a stream: events are some hundred bytes a token */
};

struct completions {
    uv_loop_t *loop;
    http_client_t *http;
    char *url, *key;
    uint64_t idle_ms, timeout_ms;
    uint64_t paused_until;  /* by Retry-After; uv_now */
    bool no_stream_options; /* the server refuses them: then it tells no usage */
    const log_t *log;
};

typedef enum { FORM_UNKNOWN, FORM_STREAM, FORM_WHOLE } form_t;

struct completion {
    completions_t *all;
    http_request_t *request;
    uv_timer_t timer;        /* the next try, or the wait behind [DONE] */
    char *body;              /* but for its closing brace */
    bool has_stream_options; /* the last request */
    uint64_t deadline;
    backoff_t backoff;
    int tries;
    sse_t sse;
    form_t form;
    bool any_event;
    buffer_t whole;
    answer_t answer;
    completion_done_cb on_done;
    void *context;
};

static void attempt(uv_timer_t *timer);

static void on_timer_closed(uv_handle_t *handle)
{
    completion_t *completion = handle->data;

    sse_free(&completion->sse);
    buffer_free(&completion->whole);
    answer_free(&completion->answer);
    free(completion->body);
    free(completion);
}

void completion_cancel(completion_t *completion)
{
    if (!completion)
        return;
    http_request_cancel(completion->request);
    completion->request = NULL;
    uv_close((uv_handle_t *)&completion->timer, on_timer_closed);
}

static void finish(completion_t *completion, failure_t failure, bool reached, int64_t wait_ms)
{
    bool has_text = answer_has_text(&completion->answer);
    completion_result_t result = {
        .failure = has_text ? FAILURE_NONE : failure,
        .cut_short = has_text && failure != FAILURE_NONE,
        .reached = reached,
        .answer = &completion->answer,
        .wait_ms = wait_ms,
    };

    completion->on_done(completion->context, &result);
    completion_cancel(completion);
}

/* ---- what comes ---- */

static bool on_event(void *context, const char *data, size_t length)
{
    completion_t *completion = context;

    completion->any_event = true;
    return answer_take_event(&completion->answer, data, length);
}

/* Servers that don't stream send one JSON object, whatever they were asked for. */
static void find_form(completion_t *completion, const char *data, size_t length)
{
    for (size_t i = 0; i < length && completion->form == FORM_UNKNOWN; i++)
        if (!strchr(" \t\r\n", data[i]))
            completion->form = data[i] == '{' ? FORM_WHOLE : FORM_STREAM;
}

static void on_late_end(uv_timer_t *timer)
{
    completion_t *completion = timer->data;

    finish(completion, answer_has_text(&completion->answer) ? FAILURE_NONE : FAILURE_EMPTY, true, -1);
}

static bool on_data(void *context, const char *data, size_t length)
{
    completion_t *completion = context;
    err_t err;

    if (completion->answer.ended)
        return true;
    find_form(completion, data, length);
    if (completion->form == FORM_WHOLE)
        err = buffer_append(&completion->whole, data, length);
    else
        err = sse_feed(&completion->sse, data, length, on_event, completion);
    if (err != ERR_OK && err != ERR_CLOSED)
        completion->answer.rubbish = true;
    if (completion->answer.ended)
        uv_timer_start(&completion->timer, on_late_end, END_MS, 0);
    return err == ERR_OK;
}

static failure_t failure_of_stream(const completion_t *completion, err_t err)
{
    const answer_t *answer = &completion->answer;

    if (answer->failure != FAILURE_NONE)
        return answer->failure;
    if (answer->rubbish)
        return FAILURE_RUBBISH;
    if (answer->finished || answer->ended || answer->full)
        return answer_has_text(answer) ? FAILURE_NONE : FAILURE_EMPTY;
    if (err != ERR_OK)
        return failure_of_error(err);
    /* A whole answer, but no stream of events: a page of some proxy, say. */
    return completion->form == FORM_STREAM && !completion->any_event ? FAILURE_RUBBISH : FAILURE_CUT;
}

static failure_t failure_of(completion_t *completion, const http_answer_t *answer)
{
    failure_t failure = FAILURE_NONE;

    if (answer->status == 0)
        return failure_of_error(answer->err);
    failure = failure_of_status(answer->status, answer->body, answer->length);
    if (failure != FAILURE_NONE)
        return failure;
    if (completion->form == FORM_WHOLE && answer->err == ERR_OK)
        answer_take_whole(&completion->answer, buffer_text(&completion->whole), completion->whole.length);
    return failure_of_stream(completion, answer->err);
}

/* ---- tries ---- */

/* Milliseconds from now to the next try, or -1 when there is none. */
static int64_t next_try(completion_t *completion, failure_t failure, int64_t retry_after_ms)
{
    uint64_t now = uv_now(completion->all->loop), wait = backoff_next(&completion->backoff);

    if (!failure_is_passing(failure) || answer_has_text(&completion->answer) || completion->tries >= TRIES)
        return -1;
    if (retry_after_ms > (int64_t)wait)
        wait = (uint64_t)retry_after_ms;
    return now + wait < completion->deadline ? (int64_t)wait : -1;
}

/* Other questions would be refused as well until then. */
static void pause_all(completions_t *all, int64_t retry_after_ms)
{
    uint64_t wait = retry_after_ms < LONGEST_PAUSE_MS ? (uint64_t)retry_after_ms : LONGEST_PAUSE_MS;

    if (retry_after_ms > 0 && uv_now(all->loop) + wait > all->paused_until)
        all->paused_until = uv_now(all->loop) + wait;
}

static void on_http_done(void *context, const http_answer_t *answer)
{
    completion_t *completion = context;
    completions_t *all = completion->all;

    completion->request = NULL;
    if (completion->has_stream_options && failure_is_about(answer->status, answer->body, "stream_options")) {
        all->no_stream_options = true;
        completion->tries--;
        uv_timer_start(&completion->timer, attempt, 0, 0);
        return;
    }
    failure_t failure = failure_of(completion, answer);
    bool reached = answer->status >= 200 && answer->status <= 299;
    if (failure == FAILURE_BUSY)
        pause_all(all, answer->retry_after_ms);
    int64_t wait = next_try(completion, failure, answer->retry_after_ms);
    if (failure != FAILURE_NONE)
        log_warning(all->log, "try_failed", "why=%s status=%d try=%d again_ms=%lld", failure_name(failure),
                    answer->status, completion->tries, (long long)wait);
    if (wait < 0)
        finish(completion, failure, reached, answer->retry_after_ms);
    else
        uv_timer_start(&completion->timer, attempt, (uint64_t)wait, 0);
}

static void begin_answer(completion_t *completion)
{
    sse_free(&completion->sse);
    sse_init(&completion->sse, MAX_EVENT);
    buffer_clear(&completion->whole);
    answer_clear(&completion->answer);
    completion->form = FORM_UNKNOWN;
    completion->any_event = false;
}

/* Newer members of the API are for those who know them: some local servers refuse what they don't. */
static char *compose_body(const completion_t *completion)
{
    return alloc_format("%s,\"stream\":true%s}", completion->body,
                        completion->has_stream_options ? ",\"stream_options\":{\"include_usage\":true}" : "");
}

static void request(completion_t *completion)
{
    completions_t *all = completion->all;

    completion->has_stream_options = !all->no_stream_options;
    char *body = compose_body(completion);
    http_options_t options = {
        .method = "POST",
        .url = all->url,
        .body = body,
        .body_length = strlen(body),
        .bearer = all->key,
        .accept = "text/event-stream, application/json",
        .timeout_ms = completion->deadline - uv_now(all->loop),
        .idle_ms = all->idle_ms,
        .max_answer = MAX_ANSWER,
        .on_data = on_data,
        .on_done = on_http_done,
        .context = completion,
    };

    begin_answer(completion);
    completion->tries++;
    completion->request = http_client_request(all->http, &options);
    free(body);
    if (!completion->request)
        finish(completion, FAILURE_ADDRESS, false, -1);
}

static void attempt(uv_timer_t *timer)
{
    completion_t *completion = timer->data;
    completions_t *all = completion->all;
    uint64_t now = uv_now(all->loop);

    if (now < all->paused_until && all->paused_until < completion->deadline)
        uv_timer_start(timer, attempt, all->paused_until - now, 0);
    else if (now < all->paused_until)
        finish(completion, FAILURE_BUSY, false, (int64_t)(all->paused_until - now));
    else if (now >= completion->deadline)
        finish(completion, FAILURE_TIMEOUT, false, -1);
    else
        request(completion);
}

/* ---- the owner ---- */

completions_t *completions_new(uv_loop_t *loop, const completions_options_t *options)
{
    completions_t *completions = alloc_new(completions_t);
    size_t length = strlen(options->base_url);

    while (length > 0 && options->base_url[length - 1] == '/')
        length--;
    completions->loop = loop;
    completions->url = alloc_format("%.*s/chat/completions", (int)length, options->base_url);
    completions->key = alloc_string(options->key);
    completions->idle_ms = options->idle_ms;
    completions->timeout_ms = options->timeout_ms;
    completions->log = options->log;
    completions->http = http_client_new(loop, options->connections);
    return completions;
}

void completions_free(completions_t *completions)
{
    if (!completions)
        return;
    http_client_free(completions->http);
    explicit_bzero(completions->key, strlen(completions->key));
    free(completions->key);
    free(completions->url);
    free(completions);
}

completion_t *completion_start(completions_t *completions, const char *body, size_t length, size_t max_bytes,
                               completion_done_cb on_done, void *context)
{
    completion_t *completion = alloc_new(completion_t);

    completion->all = completions;
    completion->body = alloc_string_n(body, length - 1);
    completion->deadline = uv_now(completions->loop) + completions->timeout_ms;
    completion->on_done = on_done;
    completion->context = context;
    backoff_init(&completion->backoff, FIRST_WAIT_MS, LAST_WAIT_MS);
    sse_init(&completion->sse, MAX_EVENT);
    buffer_init(&completion->whole, MAX_EVENT);
    answer_init(&completion->answer, max_bytes);
    uv_timer_init(completions->loop, &completion->timer);
    completion->timer.data = completion;
    uv_timer_start(&completion->timer, attempt, 0, 0);
    return completion;
}

const buffer_t *completion_text(const completion_t *completion)
{
    return &completion->answer.text;
}
