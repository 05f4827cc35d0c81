/* HTTP client on the loop: libcurl's multi interface. Requests are asynchronous; the callback comes exactly
 * once, from the loop, never inside http_client_request. */
#ifndef P2P_HTTP_CLIENT_H
#define P2P_HTTP_CLIENT_H
#include "error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef struct http_client http_client_t;
typedef struct http_request http_request_t;

typedef struct {
    err_t err;        /* OK when an HTTP answer came, whatever its status; else CONNECT, RESOLVE, TIMEOUT, IO,
                         TOO_LONG, CLOSED (cancelled by http_client_free) */
    int status;       /* 200… ; 0 without an answer */
    const char *body; /* NUL-terminated, valid during the callback; empty when on_data took it */
    size_t length;
    int64_t retry_after_ms; /* from Retry-After, seconds or date; -1 = none */
} http_answer_t;

typedef void (*http_done_cb)(void *context, const http_answer_t *answer);
/* A piece of a 2xx body as it comes. Return false to cut the transfer (done gets ERR_CLOSED). */
typedef bool (*http_data_cb)(void *context, const char *data, size_t length);

typedef struct {
    const char *method; /* "GET", "POST" */
    const char *url;    /* http or https only; redirects are not followed */
    const char *body;   /* copied; NULL = none; sent as application/json */
    size_t body_length;
    const char *bearer;   /* Authorization: Bearer …; NULL or "" = none; copied, wiped */
    const char *accept;   /* NULL = application/json */
    uint64_t timeout_ms;  /* whole request; 0 = 10 s */
    uint64_t idle_ms;     /* no byte for this long: TIMEOUT; 0 = none. Own timer: libcurl's is late */
    size_t max_answer;    /* bytes; 0 = 2 MiB */
    http_data_cb on_data; /* NULL = collect the body */
    http_done_cb on_done;
    void *context;
} http_options_t;

/* connections: kept alive per host and used at once at most; more requests wait. */
http_client_t *http_client_new(uv_loop_t *loop, int connections);
/* Cancels what runs (each on_done with ERR_CLOSED, before return) and frees when the handles are closed. */
void http_client_free(http_client_t *client);
/* NULL only when the URL is not acceptable. */
http_request_t *http_client_request(http_client_t *client, const http_options_t *options);
/* Cancels without a callback. Valid until on_done has been called. */
void http_request_cancel(http_request_t *request);

#endif
