/* What can go wrong with a question to the model: whether to try again, and what the person is told. What the
 * model's server wrote about it is never passed on: it may hold the key. Pure. */
#ifndef P2P_FAILURE_H
#define P2P_FAILURE_H
#include "common/buffer.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    FAILURE_NONE,
    FAILURE_ADDRESS,     /* the URL is none, or leads elsewhere */
    FAILURE_UNREACHABLE, /* no connection */
    FAILURE_TIMEOUT,
    FAILURE_KEY,     /* 401, 403 */
    FAILURE_MODEL,   /* 404 */
    FAILURE_BUSY,    /* 429 */
    FAILURE_QUOTA,   /* 429, and waiting won't help */
    FAILURE_REFUSED, /* other 4xx */
    FAILURE_SERVER,  /* 5xx, or an error within the stream */
    FAILURE_RUBBISH, /* an answer that is none */
    FAILURE_CUT,     /* the connection broke before the answer was whole */
    FAILURE_EMPTY,   /* an answer without words */
} failure_t;

/* status, and the body of an answer that is not 2xx. FAILURE_NONE for 2xx. */
failure_t failure_of_status(int status, const char *body, size_t length);
/* Does the server refuse a member of the request, and names it? body: NUL-terminated. */
bool failure_is_about(int status, const char *body, const char *member);
/* code: of an error object, also within a stream. */
failure_t failure_of_code(const char *code);
/* err: of an HTTP request without an answer, or of one that broke off. */
failure_t failure_of_error(err_t err);
bool failure_is_passing(failure_t failure);
const char *failure_name(failure_t failure); /* for logs */
/* The sentence. wait_ms: until another try is worth it; -1 = not known. */
err_t failure_write(failure_t failure, int64_t wait_ms, buffer_t *out);

#endif
