/* Where an HTTP/1.1 answer ends and what it says. Pure. */
#ifndef P2P_SERVER_STORE_ANSWER_H
#define P2P_SERVER_STORE_ANSWER_H
#include <stdbool.h>
#include <stddef.h>

enum { STORE_ANSWER_MAX = 1024 * 1024 }; /* with its head; far above what 4096 results take */

typedef enum {
    STORE_ANSWER_MORE, /* more of it is to come */
    STORE_ANSWER_WHOLE,
    STORE_ANSWER_BAD, /* it is none, or in a form that the message API doesn't send: without its length, chunked */
} store_answer_state_t;

typedef struct {
    int status;          /* 200 to 599 */
    size_t head, length; /* of head and body; behind them, nothing was asked for */
    bool close;          /* the connection ends with it */
} store_answer_t;

/* *out is whole only with STORE_ANSWER_WHOLE. */
store_answer_state_t store_answer_parse(const char *data, size_t length, store_answer_t *out);

#endif
