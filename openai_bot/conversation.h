/* What was said between one user and the assistant, as far as the model is told of it again: the newest turns
 * that fit into a budget of tokens. Pure. */
#ifndef P2P_CONVERSATION_H
#define P2P_CONVERSATION_H
#include "common/buffer.h"

typedef struct conversation conversation_t;

/* How many tokens a text is, roughly: a quarter of its bytes, and some for its frame. */
size_t conversation_estimate(size_t bytes);

conversation_t *conversation_new(size_t max_tokens);
void conversation_free(conversation_t *conversation);
/* A question and its answer (copied). The oldest turns go until all fit; one that is too large by itself is
 * not kept, nor what was before it. */
void conversation_add(conversation_t *conversation, const char *question, const char *answer);
void conversation_reset(conversation_t *conversation);
size_t conversation_turns(const conversation_t *conversation);
size_t conversation_tokens(const conversation_t *conversation);
/* Appends {"role":"user","content":…},{"role":"assistant",…}, for each turn, oldest first, each with a comma
 * behind it. */
err_t conversation_append_json(const conversation_t *conversation, buffer_t *out);

#endif
