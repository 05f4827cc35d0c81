#include "http_client.h"
#include "alloc.h"
#include "buffer.h"
#include "daemon.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_TIMEOUT_MS = 10000, DEFAULT_MAX_ANSWER = 2 * 1024 * 1024 };

/* libcurl must not be changed from inside its own callbacks. While `dispatching`, new and cancelled requests
 * are only marked, and `settle` does the rest. */
struct http_client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer; /* libcurl's */
    http_request_t *requests;
    bool dispatching, unsettled, freed;
    unsigned pins; /* open handles, and calls that still need the client */
};

struct http_request {
    http_client_t *client;
    http_request_t *previous, *next;
    CURL *easy;
    struct curl_slist *headers;
    uv_timer_t timer; /* whole and idle time */
    uint64_t deadline, heard, idle_ms;
    buffer_t body;
    size_t received, max_answer;
    err_t err; /* why we cut the transfer */
    bool added;
    bool dead; /* on_done was called or will never be */
    http_data_cb on_data;
    http_done_cb on_done;
    void *context;
};

typedef struct {
    uv_poll_t poll;
    http_client_t *client;
    curl_socket_t fd;
} watch_t;

static void unpin(http_client_t *client)
{
    if (--client->pins > 0)
        return;
    curl_global_cleanup();
    free(client);
}

/* ---- one request ---- */

static void on_request_closed(uv_handle_t *handle)
{
    http_request_t *request = handle->data;
    http_client_t *client = request->client;

    buffer_free(&request->body);
    free(request);
    unpin(client);
}

static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *item = headers; item; item = item->next)
        explicit_bzero(item->data, strlen(item->data)); /* a token is among them */
    curl_slist_free_all(headers);
}

static void add(http_request_t *request)
{
    request->added = true;
    curl_multi_add_handle(request->client->multi, request->easy);
}

/* Takes it out of the client and of libcurl. Never while dispatching. */
static void release(http_request_t *request)
{
    http_client_t *client = request->client;

    request->dead = true;
    if (request->previous)
        request->previous->next = request->next;
    else
        client->requests = request->next;
    if (request->next)
        request->next->previous = request->previous;
    if (request->added)
        curl_multi_remove_handle(client->multi, request->easy);
    curl_easy_cleanup(request->easy);
    wipe_headers(request->headers);
    uv_close((uv_handle_t *)&request->timer, on_request_closed);
}

static int64_t retry_after_ms(CURL *easy)
{
    struct curl_header *header;
    char *end;

    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    const char *value = header->value;
    if (*value >= '0' && *value <= '9') {
        long long seconds = strtoll(value, &end, 10);
        return *end == '\0' && seconds <= INT32_MAX ? seconds * 1000 : -1;
    }
    time_t when = curl_getdate(value, NULL), now = time(NULL);
    if (when == -1)
        return -1;
    return when > now ? (int64_t)(when - now) * 1000 : 0;
}

static void finish(http_request_t *request, err_t err)
{
    http_answer_t answer = {.err = err, .length = request->body.length, .retry_after_ms = -1};
    long status = 0;

    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (int)status;
    answer.body = buffer_text(&request->body);
    answer.retry_after_ms = retry_after_ms(request->easy);
    release(request); /* the body lives until the timer is closed */
    request->on_done(request->context, &answer);
}

static err_t err_of_curl(CURLcode code)
{
    static const struct {
        CURLcode code;
        err_t err;
    } table[] = {
        {CURLE_OK, ERR_OK},
        {CURLE_COULDNT_RESOLVE_HOST, ERR_RESOLVE},
        {CURLE_COULDNT_RESOLVE_PROXY, ERR_RESOLVE},
        {CURLE_COULDNT_CONNECT, ERR_CONNECT},
        {CURLE_SSL_CONNECT_ERROR, ERR_CONNECT},
        {CURLE_PEER_FAILED_VERIFICATION, ERR_CONNECT},
        {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
        {CURLE_OUT_OF_MEMORY, ERR_NO_MEMORY},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].code == code)
            return table[i].err;
    return ERR_IO;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    http_request_t *request = context;

    (void)data;
    request->heard = uv_now(request->client->loop);
    return size * count;
}

static err_t take_body(http_request_t *request, const char *data, size_t length)
{
    long status = 0;

    if (length > request->max_answer - request->received)
        return ERR_TOO_LONG;
    request->received += length;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!request->on_data || status < 200 || status > 299)
        return buffer_append(&request->body, data, length);
    return request->on_data(request->context, data, length) ? ERR_OK : ERR_CLOSED;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    http_request_t *request = context;

    if (request->dead)
        return CURL_WRITEFUNC_ERROR;
    request->heard = uv_now(request->client->loop);
    request->err = take_body(request, data, size * count);
    return request->err == ERR_OK && !request->dead ? size * count : CURL_WRITEFUNC_ERROR;
}

static void on_request_timer(uv_timer_t *timer)
{
    http_request_t *request = timer->data;
    uint64_t now = uv_now(timer->loop), due = request->deadline;

    if (request->idle_ms && request->heard + request->idle_ms < due)
        due = request->heard + request->idle_ms;
    if (now < due)
        uv_timer_start(timer, on_request_timer, due - now, 0);
    else
        finish(request, ERR_TIMEOUT);
}

/* ---- libcurl and the loop ---- */

static void end_multi(http_client_t *client)
{
    curl_multi_cleanup(client->multi);
    client->multi = NULL;
    unpin(client);
}

/* Does what had to wait until libcurl was left. */
static void settle(http_client_t *client)
{
    http_request_t *next;

    if (!client->unsettled)
        return;
    client->unsettled = false;
    for (http_request_t *request = client->requests; request; request = next) {
        next = request->next;
        if (request->dead) {
            release(request);
        } else if (!request->added) {
            add(request);
        }
    }
    if (client->freed)
        end_multi(client);
}

static void report_done(http_client_t *client)
{
    CURLMsg *message;
    int left;

    /* An owner may free the client in on_done. */
    while (client->multi && (message = curl_multi_info_read(client->multi, &left))) {
        http_request_t *request;
        CURLcode result = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        finish(request, request->err != ERR_OK ? request->err : err_of_curl(result));
    }
}

static void dispatch(http_client_t *client, curl_socket_t fd, int events)
{
    int running;

    if (!client->multi)
        return;
    client->pins++;
    client->dispatching = true;
    curl_multi_socket_action(client->multi, fd, events, &running);
    client->dispatching = false;
    settle(client);
    report_done(client);
    unpin(client);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    watch_t *watch = poll->data;
    int flags = 0;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    dispatch(watch->client, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    watch_t *watch = handle->data;
    http_client_t *client = watch->client;

    free(watch);
    unpin(client);
}

static watch_t *watch_new(http_client_t *client, curl_socket_t fd)
{
    watch_t *watch = alloc_new(watch_t);

    if (uv_poll_init(client->loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->client = client;
    watch->fd = fd;
    client->pins++;
    curl_multi_assign(client->multi, fd, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    http_client_t *client = context;
    watch_t *watch = socket_context;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(client->multi, fd, NULL);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (!watch && !(watch = watch_new(client, fd)))
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_poll) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *timer)
{
    dispatch(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Only sets the timer. Inside a dispatch "at once" is 1 ms: libuv would run a timer of 0 ms again and again in
 * the same turn. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
    http_client_t *client = context;

    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else if (timeout_ms == 0)
        uv_timer_start(&client->timer, on_timer, client->dispatching ? 1 : 0, 0);
    else
        uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* ---- the owner ---- */

http_client_t *http_client_new(uv_loop_t *loop, int connections)
{
    http_client_t *client = alloc_new(http_client_t);

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(client->multi = curl_multi_init()))
        abort(); /* no memory */
    client->loop = loop;
    client->pins = 2; /* the timer and libcurl */
    uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    return client;
}

static void on_timer_closed(uv_handle_t *handle)
{
    unpin(handle->data);
}

void http_client_free(http_client_t *client)
{
    bool inside = client && client->dispatching;
    static const http_answer_t closed = {.err = ERR_CLOSED, .body = "", .retry_after_ms = -1};

    if (!client || client->freed)
        return;
    client->freed = true;
    client->unsettled = true;
    client->dispatching = true; /* on_done may cancel others, which this walk must still find */
    for (http_request_t *request = client->requests; request; request = request->next) {
        if (request->dead)
            continue;
        request->dead = true;
        request->on_done(request->context, &closed);
    }
    client->dispatching = inside;
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
    if (!inside)
        settle(client);
}

/* http or https; tells whether the host is this machine. */
static bool check_url(const char *url, bool *loopback)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;
    bool good = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    *loopback = good && (daemon_is_loopback(host) || strcmp(host, "[::1]") == 0);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return good;
}

static void add_header(http_request_t *request, const char *name, const char *value)
{
    char *line = alloc_format("%s%s", name, value);
    struct curl_slist *list = curl_slist_append(request->headers, line);

    if (!list)
        abort(); /* no memory */
    request->headers = list;
    explicit_bzero(line, strlen(line));
    free(line);
}

static void set_headers(http_request_t *request, const http_options_t *options)
{
    add_header(request, "Accept: ", options->accept ? options->accept : "application/json");
    add_header(request, "Expect:", ""); /* libcurl would wait for a 100 before larger bodies */
    if (options->body)
        add_header(request, "Content-Type: ", "application/json");
    if (options->bearer && options->bearer[0] != '\0')
        add_header(request, "Authorization: Bearer ", options->bearer);
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

static void set_method(http_request_t *request, const http_options_t *options)
{
    if (options->body || strcmp(options->method, "POST") == 0) {
        curl_easy_setopt(request->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_length);
        curl_easy_setopt(request->easy, CURLOPT_COPYPOSTFIELDS, options->body ? options->body : "");
    }
    if (strcmp(options->method, "GET") != 0 && strcmp(options->method, "POST") != 0)
        curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, options->method);
}

static void set_transfer(http_request_t *request, const char *url, bool loopback)
{
    CURL *easy = request->easy;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancelled name look-up must not hold the loop */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DEFAULT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "p2p-chat/" P2P_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    if (loopback)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static void link_request(http_client_t *client, http_request_t *request)
{
    request->client = client;
    client->pins++;
    request->next = client->requests;
    if (request->next)
        request->next->previous = request;
    client->requests = request;
}

static void start_timer(http_request_t *request, uint64_t timeout_ms)
{
    uint64_t first = timeout_ms;

    uv_timer_init(request->client->loop, &request->timer);
    request->timer.data = request;
    request->heard = uv_now(request->client->loop);
    request->deadline = request->heard + timeout_ms;
    if (request->idle_ms && request->idle_ms < first)
        first = request->idle_ms;
    uv_timer_start(&request->timer, on_request_timer, first, 0);
}

http_request_t *http_client_request(http_client_t *client, const http_options_t *options)
{
    bool loopback;

    if (client->freed || !check_url(options->url, &loopback))
        return NULL;
    http_request_t *request = alloc_new(http_request_t);
    request->on_data = options->on_data;
    request->on_done = options->on_done;
    request->context = options->context;
    request->idle_ms = options->idle_ms;
    request->max_answer = options->max_answer ? options->max_answer : DEFAULT_MAX_ANSWER;
    buffer_init(&request->body, request->max_answer);
    if (!(request->easy = curl_easy_init()))
        abort(); /* no memory */
    set_transfer(request, options->url, loopback);
    set_method(request, options);
    set_headers(request, options);
    link_request(client, request);
    start_timer(request, options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS);
    if (client->dispatching)
        client->unsettled = true;
    else
        add(request);
    return request;
}

void http_request_cancel(http_request_t *request)
{
    if (!request || request->dead)
        return;
    request->dead = true;
    if (request->client->dispatching)
        request->client->unsettled = true;
    else
        release(request);
}
