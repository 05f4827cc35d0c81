#include "store_watch.h"
#include "../common/alloc.h"
#include "../common/http_client.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    STORE_WATCH_INTERVAL_MS = 5000,
    STORE_WATCH_TIMEOUT_MS = 5000,
};

struct store_watch {
    http_client_t *http;
    http_request_t *request; /* NULL = none runs */
    uv_timer_t timer;
    char url[ENDPOINT_TEXT_SIZE + 16]; /* "" = the API is not up */
    store_state_t state;
    store_watch_cb on_change;
    void *context;
};

static void enter(store_watch_t *watch, store_state_t state)
{
    if (watch->state == state)
        return;
    watch->state = state;
    watch->on_change(watch->context, state);
}

static void on_answer(void *context, const http_answer_t *answer)
{
    store_watch_t *watch = context;
    watch->request = NULL;
    if (answer->err == ERR_OK)
        enter(watch, answer->status == 200 ? STORE_ANSWERS : STORE_AWAY);
    else if (answer->err == ERR_TIMEOUT)
        enter(watch, STORE_AWAY);
}

static void on_time(uv_timer_t *timer)
{
    store_watch_t *watch = timer->data;
    if (watch->request != NULL)
        return;
    http_options_t options = {
        .method = "GET",
        .url = watch->url,
        .timeout_ms = STORE_WATCH_TIMEOUT_MS,
        .on_done = on_answer,
        .context = watch,
    };
    watch->request = http_client_request(watch->http, &options);
}

store_watch_t *store_watch_new(uv_loop_t *loop, store_watch_cb on_change, void *context)
{
    store_watch_t *watch = alloc_new(store_watch_t);
    watch->http = http_client_new(loop, 1);
    watch->on_change = on_change;
    watch->context = context;
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    return watch;
}

static void forget_request(store_watch_t *watch)
{
    if (watch->request != NULL)
        http_request_cancel(watch->request);
    watch->request = NULL;
}

void store_watch_at(store_watch_t *watch, const endpoint_t *api)
{
    char url[ENDPOINT_TEXT_SIZE];
    if (api == NULL) {
        uv_timer_stop(&watch->timer);
        forget_request(watch);
        watch->url[0] = '\0';
        watch->state = STORE_UNKNOWN;
        return;
    }
    if (watch->url[0] != '\0')
        return;
    endpoint_format_url(api, url);
    snprintf(watch->url, sizeof watch->url, "%s/health", url);
    uv_timer_start(&watch->timer, on_time, 0, STORE_WATCH_INTERVAL_MS);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void store_watch_close(store_watch_t *watch)
{
    if (watch == NULL)
        return;
    forget_request(watch);
    http_client_free(watch->http);
    uv_close((uv_handle_t *)&watch->timer, on_closed);
}
