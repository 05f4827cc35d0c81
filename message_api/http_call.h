/* One HTTP request on its way through the program: headers, body, handler, answer. The handler of its route
 * answers exactly once, at once or later (from the loop); while it waits, the connection is suspended and the call
 * stays valid, also when the client has gone.
 * May call: libmicrohttpd. */
#ifndef P2P_HTTP_CALL_H
#define P2P_HTTP_CALL_H
#include "../common/buffer.h"
#include "router.h"
#include <microhttpd.h>
#include <stdint.h>

struct http_server;
struct http_connection;

/* A header of the answer beside the usual ones; name NULL = none. */
typedef struct {
    const char *name; /* a literal */
    char value[ROUTE_ALLOW_SIZE];
} http_header_t;

/* sent: the whole answer (a 200) was handed to the kernel. Called on the loop, once, last of all. */
typedef void (*http_sent_cb)(void *context, bool sent);

typedef struct http_call {
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    uint64_t started; /* uv_now */

    const route_t *route;  /* NULL when the request has none */
    const char *parameter; /* of the path, percent-encoded; lives until the handler returns */
    size_t parameter_length;
    buffer_t body;

    bool begun;     /* the headers have been looked at */
    bool handled;   /* the handler has been called */
    bool suspended; /* the connection waits for the answer */
    bool answered;
    bool must_close; /* what follows on the connection cannot be trusted, or is not wanted */
    size_t dropped;  /* bytes of a body that nobody wants */

    int status;
    buffer_t answer; /* JSON */
    http_header_t header;
    size_t answer_bytes;  /* given to libmicrohttpd, which holds them until they are sent */
    http_sent_cb on_sent; /* may be NULL */
    void *sent_context;
} http_call_t;

/* --- for handlers --- */

void *http_call_context(const http_call_t *call);
/* A query parameter, percent-encoded; NULL = missing. */
const char *http_call_query(const http_call_t *call, const char *name);
/* Answers with JSON, whose memory it takes over; `made` is what came of writing it. Is the body not there
 * (ERR_NO_MEMORY), the answer is 503. header may be NULL. */
void http_call_answer(http_call_t *call, int status, buffer_t *json, err_t made, const http_header_t *header);

/* Asks to be told what became of the answer. Before http_call_answer. */
void http_call_on_sent(http_call_t *call, http_sent_cb on_sent, void *context);

/* --- for http_server --- */

http_call_t *http_call_new(struct http_server *server, struct http_connection *connection,
                           struct MHD_Connection *mhd);
/* complete: the answer was sent. */
void http_call_free(http_call_t *call, bool complete);
/* What libmicrohttpd's access handler does with the call. */
enum MHD_Result http_call_step(http_call_t *call, const char *method, const char *path, const char *upload,
                               size_t *upload_size);

#endif
