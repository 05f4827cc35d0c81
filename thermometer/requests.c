#include "requests.h"
#include "common/alloc.h"
#include "common/hash.h"
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 2000 };

typedef struct request request_t;

/* What became of a command; writes the answer. */
typedef void (*answer_t)(const requests_t *requests, const request_t *request, report_t *report);

struct request {
    request_t *next;
    char sender[USERNAME_SIZE], id[ID_SIZE], key[KEY_SIZE];
    do_t what;
    answer_t answer;
    bool again;            /* it had waited: the thermometer before us may have answered it */
    bool noted;            /* as handled, by this request */
    bool changes;          /* the state: counts once that is on the disk */
    subscriber_t *removed; /* by this request, until that is on the disk */
    err_t err;             /* why the change did not reach the disk */
};

typedef struct {
    request_t *first, **end;
} queue_t;

struct requests {
    subscribers_t *subscribers;
    const readings_t *readings;
    double interval_s;
    requests_events_t events;
    void *context;
    queue_t waiting;  /* not yet carried out */
    queue_t saving;   /* carried out, not yet on the disk */
    queue_t again;    /* the answer was refused for a passing reason */
    hash_t *answered; /* reply id to request: sent, not yet acknowledged */
    size_t count;     /* of all these */
    size_t active;    /* of these, not waiting */
    uv_timer_t retry;
    bool touched, save_pending;
};

static void queue_init(queue_t *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_push(queue_t *queue, request_t *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
}

static request_t *queue_pop(queue_t *queue)
{
    request_t *request = queue->first;

    if (request && !(queue->first = request->next))
        queue->end = &queue->first;
    return request;
}

static void request_free(request_t *request)
{
    free(request->removed);
    free(request);
}

/* ---- the answers ---- */

static void answer_subscribed(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)request;
    report_subscribed(report, requests->interval_s, readings_newest(requests->readings), false);
}

static void answer_already(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)request;
    report_subscribed(report, requests->interval_s, readings_newest(requests->readings), true);
}

static void answer_unsubscribed(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)requests, (void)request;
    report_unsubscribed(report, false);
}

static void answer_not_subscribed(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)requests, (void)request;
    report_unsubscribed(report, true);
}

static void answer_range(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)request;
    report_range(report, requests->readings);
}

static void answer_rebooted(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)requests, (void)request;
    report_rebooted(report);
}

static void answer_help(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)requests, (void)request;
    report_help(report);
}

static void answer_full(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)requests;
    report_refused(report, commands_name(request->what), "it has as many subscribers as it can serve");
}

static void answer_not_saved(const requests_t *requests, const request_t *request, report_t *report)
{
    (void)requests;
    report_refused(report, commands_name(request->what),
                   request->err == ERR_DISK_FULL ? "its disk is full" : "it could not be saved");
}

/* ---- carrying out ---- */

/* False when it was carried out already, before a crash. Noted also when nothing changes: it must not change
 * anything either when it comes again behind a later one that did. */
static bool is_new(requests_t *requests, request_t *request)
{
    request->noted = !subscribers_has_handled(requests->subscribers, request->key);
    if (request->noted)
        subscribers_note_handled(requests->subscribers, request->key);
    return request->noted;
}

static void forget(requests_t *requests, request_t *request)
{
    if (request->noted)
        subscribers_forget_newest_handled(requests->subscribers);
    request->noted = false;
}

static void subscribe(requests_t *requests, request_t *request)
{
    if (!is_new(requests, request)) {
        request->answer = answer_subscribed;
    } else if (subscribers_find(requests->subscribers, request->sender)) {
        request->answer = answer_already;
    } else {
        subscriber_t *subscriber = subscribers_add(requests->subscribers, request->sender, request->key);
        request->answer = subscriber ? answer_subscribed : answer_full;
        request->changes = subscriber != NULL;
        if (subscriber) {
            subscriber->doubtful = request->again ? SUBSCRIBERS_DOUBTFUL : 0;
            requests->events.on_subscribed(requests->context, subscriber);
        } else {
            forget(requests, request);
        }
    }
}

static void unsubscribe(requests_t *requests, request_t *request)
{
    subscriber_t *subscriber = subscribers_find(requests->subscribers, request->sender);

    if (!is_new(requests, request)) {
        request->answer = answer_unsubscribed;
    } else if (!subscriber) {
        request->answer = answer_not_subscribed;
    } else {
        requests->events.on_unsubscribing(requests->context, subscriber);
        subscribers_remove(requests->subscribers, subscriber);
        request->removed = subscriber;
        request->answer = answer_unsubscribed;
        request->changes = true;
    }
}

static void range(requests_t *requests, request_t *request)
{
    (void)requests;
    request->answer = answer_range;
}

/* Nothing to save: who restarts forgets the readings anyway. */
static void reboot(requests_t *requests, request_t *request)
{
    request->answer = answer_rebooted;
    requests->events.reboot(requests->context);
}

static void help(requests_t *requests, request_t *request)
{
    (void)requests;
    request->answer = answer_help;
}

static void (*const ACTIONS[])(requests_t *requests, request_t *request) = {
    [DO_SUBSCRIBE] = subscribe, [DO_UNSUBSCRIBE] = unsubscribe, [DO_RANGE] = range, [DO_REBOOT] = reboot,
    [DO_HELP] = help,
};

static void undo(requests_t *requests, request_t *request)
{
    subscriber_t *subscriber = subscribers_find(requests->subscribers, request->sender);

    if (request->removed) {
        subscribers_give_back(requests->subscribers, request->removed);
        request->removed = NULL;
    } else if (subscriber) {
        requests->events.on_unsubscribing(requests->context, subscriber);
        subscribers_remove(requests->subscribers, subscriber);
        free(subscriber);
    }
}

/* ---- answering ---- */

static void on_retry(uv_timer_t *timer);

static void put_off(requests_t *requests, request_t *request)
{
    queue_push(&requests->again, request);
    if (!uv_is_active((uv_handle_t *)&requests->retry))
        uv_timer_start(&requests->retry, on_retry, RETRY_MS, 0);
}

static void answer(requests_t *requests, request_t *request)
{
    message_t message;
    report_t report;

    report_init(&report);
    request->answer(requests, request, &report);
    message_make(&message, "", request->sender, buffer_text(&report.text), report.text.length,
                 MESSAGE_NOTIFICATION);
    message_set_metadata(&message, buffer_text(&report.metadata));
    key_reply_id(request->key, message.id);
    if (requests->events.send(requests->context, &message, request->again) == ERR_OK)
        hash_put(requests->answered, message.id, request);
    else
        put_off(requests, request);
    message_free(&message);
    report_free(&report);
}

static void on_retry(uv_timer_t *timer)
{
    requests_t *requests = timer->data;
    request_t *request = requests->again.first;

    queue_init(&requests->again);
    while (request) {
        request_t *next = request->next;
        answer(requests, request);
        request = next;
    }
}

static void answer_saved(requests_t *requests)
{
    request_t *request;

    while ((request = queue_pop(&requests->saving))) {
        free(request->removed);
        request->removed = NULL;
        answer(requests, request);
    }
}

/* In reverse: the changes of one batch may be of one person. Answers that build on such a change are wrong too. */
static void take_back(requests_t *requests, request_t *request, err_t err)
{
    if (!request)
        return;
    take_back(requests, request->next, err);
    forget(requests, request);
    if (request->changes)
        undo(requests, request);
    if (request->what == DO_SUBSCRIBE || request->what == DO_UNSUBSCRIBE) {
        request->err = err;
        request->answer = answer_not_saved;
    }
}

static void run(requests_t *requests)
{
    request_t *request;
    bool changed = requests->touched;

    if (requests->save_pending)
        return;
    while (requests->active < REQUESTS_ACTIVE && (request = queue_pop(&requests->waiting))) {
        requests->active++;
        ACTIONS[request->what](requests, request);
        changed |= request->changes;
        queue_push(&requests->saving, request);
    }
    if (changed) {
        requests->touched = false;
        requests->save_pending = true;
        requests->events.save(requests->context);
    } else {
        answer_saved(requests);
    }
}

/* ---- the owner ---- */

requests_t *requests_new(uv_loop_t *loop, subscribers_t *subscribers, const readings_t *readings,
                         double interval_s, const requests_events_t *events, void *context)
{
    requests_t *requests = alloc_new(requests_t);

    requests->subscribers = subscribers;
    requests->readings = readings;
    requests->interval_s = interval_s;
    requests->events = *events;
    requests->context = context;
    queue_init(&requests->waiting);
    queue_init(&requests->saving);
    queue_init(&requests->again);
    requests->answered = hash_new();
    uv_timer_init(loop, &requests->retry);
    requests->retry.data = requests;
    return requests;
}

void requests_add(requests_t *requests, const message_t *message, bool stored)
{
    if (requests->count >= REQUESTS_MAX)
        return;
    request_t *request = alloc_new(request_t);
    memcpy(request->sender, message->sender, sizeof(request->sender));
    memcpy(request->id, message->id, sizeof(request->id));
    request->again = stored;
    key_make(request->sender, request->id, request->key);
    request->what = commands_parse(message->text, message->text_length);
    requests->count++;
    queue_push(&requests->waiting, request);
    run(requests);
}

void requests_touch(requests_t *requests)
{
    requests->touched = true;
    run(requests);
}

void requests_on_saved(requests_t *requests, err_t err)
{
    requests->save_pending = false;
    if (err != ERR_OK)
        take_back(requests, requests->saving.first, err);
    answer_saved(requests);
    run(requests);
}

/* May another try of the same answer succeed? */
static bool is_passing(err_t why)
{
    return why == ERR_BUSY || why == ERR_RATE_LIMITED || why == ERR_STORE_UNAVAILABLE ||
           why == ERR_DISK_FULL || why == ERR_TIMEOUT || why == ERR_NO_MEMORY;
}

bool requests_on_receipt(requests_t *requests, const char *id, receipt_status_t status, const char *code)
{
    request_t *request = hash_remove(requests->answered, id);

    if (!request)
        return false;
    if (status == RECEIPT_REJECTED && is_passing(err_from_code(code))) {
        put_off(requests, request);
        return true;
    }
    requests->events.got(requests->context, request->sender, request->id);
    request_free(request);
    requests->count--;
    requests->active--;
    run(requests);
    return true;
}

static void free_queue(queue_t *queue)
{
    request_t *request;

    while ((request = queue_pop(queue)))
        request_free(request);
}

static void on_closed(uv_handle_t *handle)
{
    requests_t *requests = handle->data;
    size_t position = 0;
    const char *id;
    void *request;

    while (hash_next(requests->answered, &position, &id, &request))
        request_free(request);
    hash_free(requests->answered);
    free_queue(&requests->waiting);
    free_queue(&requests->saving);
    free_queue(&requests->again);
    free(requests);
}

void requests_close(requests_t *requests)
{
    uv_close((uv_handle_t *)&requests->retry, on_closed);
}
