/* An answer of the model as it grows, from the events of a stream or from a whole completion: OpenAI's
 * chat.completion.chunk and chat.completion. Its text is fit to be a message: control characters but tab and
 * newline are left out, and it is cut at a character when it gets too long. Pure. */
#ifndef P2P_ANSWER_H
#define P2P_ANSWER_H
#include "failure.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    buffer_t text;
    size_t max_bytes;
    int64_t tokens;    /* of question and answer as the server counted; -1 = it didn't say */
    bool finished;     /* the model said that this is all */
    bool ended;        /* [DONE], or a whole completion */
    bool too_long;     /* cut, by us or by the server's bound */
    bool full;         /* max_bytes are reached */
    bool withheld;     /* the server's content filter */
    failure_t failure; /* the server said an error within the stream */
    unsigned half;     /* of a character that the server has split over two events, 0 = none */
    bool rubbish;      /* what came is no such thing */
} answer_t;

void answer_init(answer_t *answer, size_t max_bytes);
void answer_free(answer_t *answer);
void answer_clear(answer_t *answer);
/* One event's data. False when nothing more is to be read: failed, rubbish, or the text is too long. */
bool answer_take_event(answer_t *answer, const char *data, size_t length);
/* A whole completion, from servers that don't stream. */
void answer_take_whole(answer_t *answer, const char *body, size_t length);
/* Are there any words in it? */
bool answer_has_text(const answer_t *answer);

#endif
