/* Questions to an OpenAI-compatible chat completions API: streaming, with bounded tries. What passes is tried
 * again as long as no text has come; a server that asks for a pause (Retry-After) gets it, for all questions.
 * Callbacks come from the loop, never inside a call. */
#ifndef P2P_COMPLETION_H
#define P2P_COMPLETION_H
#include "answer.h"
#include "common/log.h"
#include "failure.h"
#include <uv.h>

typedef struct completions completions_t;
typedef struct completion completion_t;

typedef struct {
    const char *base_url; /* …/v1; copied */
    const char *key;      /* copied, wiped; "" = none */
    uint64_t idle_ms;     /* so long no byte: given up */
    uint64_t timeout_ms;  /* all tries together */
    int connections;      /* questions at once */
    const log_t *log;     /* not owned */
} completions_options_t;

typedef struct {
    failure_t failure;      /* NONE: an answer, which may be cut short */
    bool cut_short;         /* the stream broke within the text */
    bool reached;           /* the model has begun to answer: that costs */
    const answer_t *answer; /* valid during the callback */
    int64_t wait_ms;        /* with FAILURE_BUSY: what the server asked for; -1 = nothing */
} completion_result_t;

/* The completion is gone when it returns. */
typedef void (*completion_done_cb)(void *context, const completion_result_t *result);

completions_t *completions_new(uv_loop_t *loop, const completions_options_t *options);
/* All completions must be done or cancelled. */
void completions_free(completions_t *completions);

/* body: of the request, a JSON object with members (copied); that the answer is to be a stream is added to it. max_bytes: of the answer. */
completion_t *completion_start(completions_t *completions, const char *body, size_t length, size_t max_bytes,
                               completion_done_cb on_done, void *context);
/* What has come so far; valid until the loop goes on. */
const buffer_t *completion_text(const completion_t *completion);
/* No callback follows. Not within on_done. */
void completion_cancel(completion_t *completion);

#endif
