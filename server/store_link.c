#include "store_link.h"
#include "../common/alloc.h"
#include "../common/connector.h"
#include "store_answer.h"
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 16 * 1024, KEPT_BYTES = 64 * 1024 };

/* A socket; lives until libuv has closed it. */
typedef struct {
    uv_tcp_t tcp;
    uv_connect_t connect;
    store_link_t *link; /* NULL: it was given up */
} wire_t;

typedef struct {
    uv_write_t request;
    char data[]; /* what the socket did not take at once */
} rest_t;

struct store_link {
    uv_loop_t *loop;
    struct sockaddr_in address;
    char *host, *token;
    uv_timer_t timer;
    wire_t *wire; /* NULL: none */
    bool used;    /* an answer came over it */
    bool busy;
    err_t late; /* what it is when the timer fires */
    buffer_t out, in;
    http_done_cb on_done;
    void *context;
};

/* ---- the end of a call ---- */

static void on_wire_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void hang_up(store_link_t *link)
{
    wire_t *wire = link->wire;

    if (!wire)
        return;
    link->wire = NULL;
    wire->link = NULL;
    uv_close((uv_handle_t *)&wire->tcp, on_wire_closed);
}

/* The link may be gone when on_done returns, or have its next call. */
static void finish(store_link_t *link, const http_answer_t *answer)
{
    buffer_t in = link->in;

    buffer_init(&link->in, STORE_ANSWER_MAX);
    uv_timer_stop(&link->timer);
    link->busy = false;
    link->on_done(link->context, answer);
    buffer_free(&in);
}

static void fail(store_link_t *link, err_t err)
{
    http_answer_t answer = {.err = err, .body = "", .retry_after_ms = -1};

    hang_up(link);
    finish(link, &answer);
}

static void on_timer(uv_timer_t *timer)
{
    store_link_t *link = timer->data;

    fail(link, link->late);
}

/* ---- asking ---- */

static void start_connect(store_link_t *link);

/* A server closes connections that it has kept for long, perhaps while we ask. */
static void on_lost(store_link_t *link)
{
    bool again = link->used && link->in.length == 0;

    hang_up(link);
    if (again)
        start_connect(link);
    else
        fail(link, ERR_IO);
}

static void on_rest_written(uv_write_t *request, int status)
{
    (void)status; /* whoever reads sees it too */
    free(request->data);
}

static bool write_rest(wire_t *wire, const char *data, size_t length)
{
    rest_t *rest = alloc_bytes(sizeof *rest + length);
    uv_buf_t bytes = uv_buf_init(rest->data, (unsigned)length);

    memcpy(rest->data, data, length);
    rest->request.data = rest;
    if (uv_write(&rest->request, (uv_stream_t *)&wire->tcp, &bytes, 1, on_rest_written) == 0)
        return true;
    free(rest);
    return false;
}

static void ask(store_link_t *link)
{
    wire_t *wire = link->wire;
    uv_buf_t bytes = uv_buf_init(link->out.data, (unsigned)link->out.length);
    int written = uv_try_write((uv_stream_t *)&wire->tcp, &bytes, 1);

    if (written == UV_EAGAIN)
        written = 0;
    bool good =
        written >= 0 && ((size_t)written == link->out.length ||
                         write_rest(wire, link->out.data + written, link->out.length - (size_t)written));
    if (!good)
        on_lost(link);
}

/* ---- the answer ---- */

static void on_whole(store_link_t *link, const store_answer_t *parsed)
{
    http_answer_t answer = {.status = parsed->status, .length = parsed->length, .retry_after_ms = -1};
    bool more = link->in.length > parsed->head + parsed->length;

    link->in.data[parsed->head + parsed->length] = '\0';
    answer.body = link->in.data + parsed->head;
    link->used = true;
    if (parsed->close || more)
        hang_up(link);
    finish(link, &answer);
}

static void on_bytes(store_link_t *link)
{
    store_answer_t parsed;

    switch (store_answer_parse(link->in.data, link->in.length, &parsed)) {
    case STORE_ANSWER_MORE:
        break;
    case STORE_ANSWER_WHOLE:
        on_whole(link, &parsed);
        break;
    case STORE_ANSWER_BAD:
        fail(link, ERR_IO);
        break;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    const wire_t *wire = handle->data;
    buffer_t *in = &wire->link->in;

    (void)suggested;
    *out = buffer_reserve(in, READ_BYTES) == ERR_OK ? uv_buf_init(in->data + in->length, READ_BYTES)
                                                    : uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    const wire_t *wire = stream->data;
    store_link_t *link = wire->link;

    (void)bytes;
    if (count == 0)
        return;
    if (!link->busy) {
        hang_up(link); /* it has ended, or says what nobody asked */
    } else if (count == UV_ENOBUFS) {
        fail(link, ERR_TOO_LONG);
    } else if (count < 0) {
        on_lost(link);
    } else {
        link->in.length += (size_t)count;
        on_bytes(link);
    }
}

/* ---- connecting ---- */

static void on_connected(uv_connect_t *request, int status)
{
    const wire_t *wire = request->data;
    store_link_t *link = wire->link;

    if (!link)
        return;
    if (status != 0 || uv_read_start((uv_stream_t *)&link->wire->tcp, on_alloc, on_read) != 0) {
        fail(link, ERR_CONNECT);
        return;
    }
    connector_tune(&link->wire->tcp);
    ask(link);
}

static void start_connect(store_link_t *link)
{
    wire_t *wire = alloc_new(wire_t);

    uv_tcp_init(link->loop, &wire->tcp);
    wire->tcp.data = wire->connect.data = wire;
    wire->link = link;
    link->wire = wire;
    link->used = false;
    if (uv_tcp_connect(&wire->connect, &wire->tcp, (const struct sockaddr *)&link->address, on_connected) ==
        0)
        return;
    link->late = ERR_CONNECT;
    uv_timer_start(&link->timer, on_timer, 0, 0);
}

/* ---- the owner ---- */

static void write_request(store_link_t *link, const char *path, const buffer_t *body)
{
    buffer_t *out = &link->out;
    bool token = link->token[0] != '\0';

    buffer_clear(out);
    if (buffer_appendf(out,
                       "POST %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n"
                       "Content-Type: application/json\r\n%s%s%sContent-Length: %zu\r\n\r\n",
                       path, link->host, token ? "Authorization: Bearer " : "", link->token,
                       token ? "\r\n" : "", body->length) != ERR_OK ||
        buffer_append(out, buffer_text(body), body->length) != ERR_OK)
        abort(); /* no memory for a body of our own */
}

/* Has the token in it. */
static void drop_request(store_link_t *link)
{
    if (link->out.data)
        explicit_bzero(link->out.data, link->out.capacity);
    buffer_free(&link->out);
}

void store_link_post(store_link_t *link, const char *path, const buffer_t *body, uint64_t timeout_ms,
                     http_done_cb on_done, void *context)
{
    if (link->out.capacity > KEPT_BYTES)
        drop_request(link);
    write_request(link, path, body);
    link->busy = true;
    link->on_done = on_done;
    link->context = context;
    link->late = ERR_TIMEOUT;
    uv_timer_start(&link->timer, on_timer, timeout_ms, 0);
    if (link->wire)
        ask(link);
    else
        start_connect(link);
}

/* 127.0.0.1:8000 */
static bool read_base(const char *base, struct sockaddr_in *address, const char **host)
{
    static const char scheme[] = "http://127.";
    char name[16];
    char *end;

    if (strncmp(base, scheme, sizeof scheme - 1) != 0)
        return false;
    *host = base + sizeof "http://" - 1;
    size_t length = strcspn(*host, ":");
    if (length >= sizeof name || (*host)[length] != ':')
        return false;
    memcpy(name, *host, length);
    name[length] = '\0';
    const char *digits = *host + length + 1;
    long port = strtol(digits, &end, 10);
    return digits[0] >= '0' && digits[0] <= '9' && *end == '\0' && port > 0 && port <= UINT16_MAX &&
           uv_ip4_addr(name, (int)port, address) == 0;
}

store_link_t *store_link_new(uv_loop_t *loop, const char *base, const char *token)
{
    struct sockaddr_in address;
    const char *host;

    if (!read_base(base, &address, &host))
        return NULL;
    store_link_t *link = alloc_new(store_link_t);
    link->loop = loop;
    link->address = address;
    link->host = alloc_string(host);
    link->token = alloc_string(token);
    buffer_init(&link->out, 0);
    buffer_init(&link->in, STORE_ANSWER_MAX);
    uv_timer_init(loop, &link->timer);
    link->timer.data = link;
    return link;
}

static void on_timer_closed(uv_handle_t *handle)
{
    store_link_t *link = handle->data;

    drop_request(link);
    buffer_free(&link->in);
    explicit_bzero(link->token, strlen(link->token));
    free(link->token);
    free(link->host);
    free(link);
}

void store_link_free(store_link_t *link)
{
    if (!link)
        return;
    if (link->busy)
        fail(link, ERR_CLOSED);
    hang_up(link);
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}
