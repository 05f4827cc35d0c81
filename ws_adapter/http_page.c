#include "http_page.h"
#include "common/alloc.h"
#include "common/buffer.h"
#include <stdlib.h>
#include <string.h>

/* Chart.js, as Debian packages it. */
#define VENDOR_FOLDER "/usr/share/javascript/chart.js"

enum {
    MAX_PATH = 256,
    MAX_HEADER = 512,
    CHUNK = 32 * 1024,
    WRITE_TIMEOUT = 30, /* seconds in which the peer must take a chunk */
};

struct http_page {
    const config_t *config;
    int port;
    static_files_t *vendor, *page;
};

static const char SECURITY_HEADERS[] =
    "Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
};

http_page_t *http_page_new(const config_t *config, int port)
{
    http_page_t *page = alloc_new(http_page_t);

    page->config = config;
    page->port = port;
    page->vendor = static_files_new("/vendor/", VENDOR_FOLDER);
    page->page = static_files_new("/", config->static_folder);
    return page;
}

void http_page_free(http_page_t *page)
{
    if (!page)
        return;
    static_files_free(page->vendor);
    static_files_free(page->page);
    free(page);
}

void http_page_release(page_reply_t *reply)
{
    static_file_release(reply->file);
    *reply = (page_reply_t){0};
}

/* ---- what was asked ---- */

static bool has_header(struct lws *wsi, enum lws_token_indexes token)
{
    return lws_hdr_total_length(wsi, token) > 0;
}

/* The header's value in `value`, or NULL when it isn't there. One that is too long becomes a text that
 * fits nothing. */
static const char *read_header(struct lws *wsi, enum lws_token_indexes token, char *value, int size)
{
    if (!has_header(wsi, token))
        return NULL;
    if (lws_hdr_copy(wsi, value, size, token) < 0)
        strcpy(value, "\n");
    return value;
}

static bool is_head(struct lws *wsi)
{
    return has_header(wsi, WSI_TOKEN_HEAD_URI);
}

static const char *read_path(struct lws *wsi, char *path, int size)
{
    path[0] = '\0';
    read_header(wsi, is_head(wsi) ? WSI_TOKEN_HEAD_URI : WSI_TOKEN_GET_URI, path, size);
    return path;
}

/* ---- answers ---- */

typedef struct {
    int status;
    const char *type, *extra; /* extra: whole header lines, or NULL */
    size_t length;            /* of the content */
    bool close;
} answer_t;

static const char *phrase_of(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Error";
}

/* The library wants room in front of what it writes. */
static void begin_answer(buffer_t *out, const answer_t *answer)
{
    static const char room[LWS_PRE];

    buffer_append(out, room, sizeof room);
    buffer_appendf(out, "HTTP/1.1 %d %s\r\n", answer->status, phrase_of(answer->status));
    if (answer->type)
        buffer_appendf(out, "Content-Type: %s\r\n", answer->type);
    if (answer->status != 304)
        buffer_appendf(out, "Content-Length: %zu\r\n", answer->length);
    buffer_append_text(out, SECURITY_HEADERS);
    if (answer->extra)
        buffer_append_text(out, answer->extra);
    buffer_append_text(out, answer->close ? "Connection: close\r\n\r\n" : "\r\n");
}

static int write_answer(struct lws *wsi, buffer_t *out)
{
    size_t length = out->length - LWS_PRE;
    int written = lws_write(wsi, (unsigned char *)out->data + LWS_PRE, length, LWS_WRITE_HTTP_HEADERS);

    buffer_free(out);
    return written == (int)length ? 0 : -1;
}

static int complete(struct lws *wsi)
{
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* An answer that is short enough to go with its head. */
static int answer_text(struct lws *wsi, answer_t answer, const char *text)
{
    buffer_t out;

    buffer_init(&out, 0);
    answer.length = strlen(text);
    begin_answer(&out, &answer);
    if (!is_head(wsi))
        buffer_append_text(&out, text);
    return write_answer(wsi, &out) != 0 || answer.close ? -1 : complete(wsi);
}

static int refuse(struct lws *wsi, int status, const char *extra, const char *text)
{
    answer_t answer = {.status = status, .type = "text/plain; charset=utf-8", .extra = extra, .close = true};

    return answer_text(wsi, answer, text);
}

/* ---- checks ---- */

static int check_host(http_page_t *page, struct lws *wsi, char host[MAX_HEADER])
{
    if (!read_header(wsi, WSI_TOKEN_HOST, host, MAX_HEADER))
        return refuse(wsi, 400, NULL, "A Host header is needed.\n");
    if (!origin_host_allowed(page->config->origin_list, host, page->config->host, page->port))
        return refuse(wsi, 421, NULL, "This host name is not served here. See P2P_WEB_ORIGINS.\n");
    return 0;
}

static int check_method(struct lws *wsi)
{
    if (has_header(wsi, WSI_TOKEN_GET_URI) || is_head(wsi))
        return 0;
    return refuse(wsi, 405, "Allow: GET, HEAD\r\n", "Only GET and HEAD are allowed.\n");
}

static int check_body(struct lws *wsi)
{
    char length[MAX_HEADER];
    const char *given = read_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);

    if (has_header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) || (given && strcmp(given, "0") != 0))
        return refuse(wsi, 413, NULL, "A request with a body is not allowed.\n");
    return 0;
}

int http_page_filter(http_page_t *page, struct lws *wsi)
{
    char host[MAX_HEADER];

    if (check_method(wsi) != 0 || check_body(wsi) != 0)
        return -1;
    return check_host(page, wsi, host);
}

int http_page_upgrade(http_page_t *page, struct lws *wsi)
{
    char host[MAX_HEADER], origin[MAX_HEADER], path[MAX_PATH], protocol[MAX_HEADER];

    if (check_method(wsi) != 0 || check_body(wsi) != 0 || check_host(page, wsi, host) != 0)
        return -1;
    const char *upgrade = read_header(wsi, WSI_TOKEN_UPGRADE, protocol, sizeof protocol);
    if (!upgrade || strcasecmp(upgrade, "websocket") != 0 || is_head(wsi))
        return refuse(wsi, 400, NULL, "Only an upgrade to websocket is possible.\n");
    if (strcmp(read_path(wsi, path, sizeof path), "/ws") != 0)
        return refuse(wsi, 404, NULL, "The WebSocket is at /ws.\n");
    if (!origin_allowed(page->config->origin_list, read_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin),
                        host))
        return refuse(wsi, 403, NULL, "Pages of this origin may not use the chat. See P2P_WEB_ORIGINS.\n");
    return 0;
}

/* ---- the page ---- */

static int answer_file(struct lws *wsi, page_reply_t *reply, static_file_t *file)
{
    char tags[MAX_HEADER], since[MAX_HEADER];
    buffer_t extra, out;
    bool fresh =
        static_file_is_fresh(file, read_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, tags, sizeof tags),
                             read_header(wsi, WSI_TOKEN_HTTP_IF_MODIFIED_SINCE, since, sizeof since));

    buffer_init(&extra, 0);
    buffer_init(&out, 0);
    buffer_appendf(&extra, "ETag: %s\r\nLast-Modified: %s\r\nCache-Control: no-cache\r\n", file->etag,
                   file->last_modified);
    answer_t answer = {.status = fresh ? 304 : 200,
                       .type = fresh ? NULL : file->type,
                       .extra = buffer_text(&extra),
                       .length = file->length};
    begin_answer(&out, &answer);
    buffer_free(&extra);
    if (write_answer(wsi, &out) != 0) {
        static_file_release(file);
        return -1;
    }
    if (fresh || is_head(wsi) || file->length == 0) {
        static_file_release(file);
        return complete(wsi);
    }
    http_page_release(reply);
    reply->file = file;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_TIMEOUT);
    lws_callback_on_writable(wsi);
    return 0;
}

int http_page_serve(http_page_t *page, struct lws *wsi, page_reply_t *reply)
{
    char path[MAX_PATH];
    static_file_t *file;

    read_path(wsi, path, sizeof path);
    if (strcmp(path, "/health") == 0)
        return answer_text(
            wsi,
            (answer_t){.status = 200, .type = "application/json", .extra = "Cache-Control: no-store\r\n"},
            "{\"status\":\"ok\"}");
    if (strcmp(path, "/ws") == 0)
        return refuse(wsi, 426, "Upgrade: websocket\r\n", "This is the address of the WebSocket.\n");
    file = static_files_get(static_files_owns(page->vendor, path) ? page->vendor : page->page, path);
    if (file)
        return answer_file(wsi, reply, file);
    return answer_text(wsi, (answer_t){.status = 404, .type = "text/plain; charset=utf-8"},
                       "There is no such page.\n");
}

int http_page_write(struct lws *wsi, page_reply_t *reply)
{
    unsigned char chunk[LWS_PRE + CHUNK];
    static_file_t *file = reply->file;

    if (!file)
        return 0;
    size_t length = file->length - reply->sent < CHUNK ? file->length - reply->sent : CHUNK;
    memcpy(chunk + LWS_PRE, file->data + reply->sent, length);
    reply->sent += length;
    bool last = reply->sent == file->length;
    if (lws_write(wsi, chunk + LWS_PRE, length, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)length)
        return -1;
    if (last) {
        http_page_release(reply);
        return complete(wsi);
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_TIMEOUT);
    lws_callback_on_writable(wsi);
    return 0;
}
