/* What the model is sent for one question: the body of a chat completions request, as far as it
 * does not say in which form the answer is to come. Pure. */
#ifndef P2P_PROMPT_H
#define P2P_PROMPT_H
#include "conversation.h"
#include "personalities.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *model;
    bool is_openai; /* their own API has a newer name for the bound, which others don't know */
    int64_t answer_tokens;
    const personality_t *personality;
    const conversation_t *conversation;
    const char *question;
} prompt_t;

/* Roughly, without the answer. */
size_t prompt_tokens(const prompt_t *prompt);
err_t prompt_write(const prompt_t *prompt, buffer_t *out);

#endif
