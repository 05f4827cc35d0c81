#include "http_client.h"
#include "alloc.h"
#include "buffer.h"
#include "curl_loop.h"
#include "daemon.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DEFAULT_TIMEOUT_MS = 10000,
    DEFAULT_MAX_ANSWER = 2 * 1024 * 1024,
    LEAST_STATUS = 200, /* of an answer that is whole: RFC 9110, section 15 */
    LARGEST_STATUS = 599,
};

/* libcurl must not be called from inside its own callbacks. There, new and cancelled requests are only marked,
 * and `settle` does the rest. */
struct http_client {
    uv_loop_t *loop;
    curl_loop_t *curl;
    http_request_t *requests;
    bool unsettled, freed;
    bool ending;   /* in http_client_free: its walk needs every request */
    unsigned pins; /* the curl loop and the requests' timers */
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

static void unpin(http_client_t *client)
{
    if (--client->pins > 0)
        return;
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
    curl_loop_add(request->client->curl, request->easy);
}

/* Takes it out of the client and of libcurl. Never inside libcurl. */
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
        curl_loop_remove(client->curl, request->easy);
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
    if (status < LEAST_STATUS || status > LARGEST_STATUS) {
        status = 0; /* what the library took for a status line was none */
        answer.err = err == ERR_OK ? ERR_IO : err;
    }
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

/* ---- all requests ---- */

static bool must_wait(const http_client_t *client)
{
    return client->ending || curl_loop_is_inside(client->curl);
}

/* Does what had to wait. */
static void settle(http_client_t *client)
{
    http_request_t *next;

    if (!client->unsettled)
        return;
    client->unsettled = false;
    for (http_request_t *request = client->requests; request; request = next) {
        next = request->next;
        if (request->dead)
            release(request);
        else if (!request->added)
            add(request);
    }
    if (client->freed)
        curl_loop_free(client->curl);
}

static void on_left(void *context)
{
    settle(context);
}

static void on_transfer_done(void *context, CURL *easy, CURLcode result)
{
    http_request_t *request;

    (void)context;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    finish(request, request->err != ERR_OK ? request->err : err_of_curl(result));
}

static void on_curl_closed(void *context)
{
    unpin(context);
}

/* ---- the owner ---- */

http_client_t *http_client_new(uv_loop_t *loop, int connections)
{
    static const curl_loop_events_t events = {on_left, on_transfer_done, on_curl_closed};
    http_client_t *client = alloc_new(http_client_t);

    client->loop = loop;
    client->pins = 1;
    client->curl = curl_loop_new(loop, connections, &events, client);
    return client;
}

void http_client_free(http_client_t *client)
{
    static const http_answer_t closed = {.err = ERR_CLOSED, .body = "", .retry_after_ms = -1};

    if (!client || client->freed)
        return;
    client->freed = true;
    client->unsettled = true;
    client->ending = true; /* on_done may cancel others */
    for (http_request_t *request = client->requests; request; request = request->next) {
        if (request->dead)
            continue;
        request->dead = true;
        request->on_done(request->context, &closed);
    }
    client->ending = false;
    if (!must_wait(client))
        settle(client);
}

/* No memory for an address is not a wrong address. */
static bool is_good(CURLUcode code)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        abort();
    return code == CURLUE_OK;
}

/* http or https; tells whether the host is this machine. */
static bool check_url(const char *url, bool *loopback)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;

    if (!parsed)
        abort(); /* no memory */
    bool good = is_good(curl_url_set(parsed, CURLUPART_URL, url, 0)) &&
                is_good(curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0)) &&
                is_good(curl_url_get(parsed, CURLUPART_HOST, &host, 0)) &&
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

/* What libcurl copies. Without its body a POST would read one from our standard input. */
static void set_copied(CURL *easy, CURLoption option, const char *value)
{
    if (curl_easy_setopt(easy, option, value) == CURLE_OUT_OF_MEMORY)
        abort();
}

static void set_method(http_request_t *request, const http_options_t *options)
{
    if (options->body || strcmp(options->method, "POST") == 0) {
        curl_easy_setopt(request->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_length);
        set_copied(request->easy, CURLOPT_COPYPOSTFIELDS, options->body ? options->body : "");
    }
    if (strcmp(options->method, "GET") != 0 && strcmp(options->method, "POST") != 0)
        set_copied(request->easy, CURLOPT_CUSTOMREQUEST, options->method);
}

static void set_transfer(http_request_t *request, const char *url, bool loopback)
{
    CURL *easy = request->easy;

    set_copied(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    set_copied(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancelled name look-up must not hold the loop */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DEFAULT_TIMEOUT_MS);
    set_copied(easy, CURLOPT_USERAGENT, "p2p-chat/" P2P_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    if (loopback)
        set_copied(easy, CURLOPT_NOPROXY, "*");
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
    if (must_wait(client))
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
    if (must_wait(request->client))
        request->client->unsettled = true;
    else
        release(request);
}
