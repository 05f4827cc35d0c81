#include "conversation.h"
#include "common/alloc.h"
#include "common/json.h"
#include <stdlib.h>
#include <string.h>

enum { FRAME_TOKENS = 4, BYTES_A_TOKEN = 4 };

typedef struct turn {
    struct turn *next;
    char *question, *answer;
    size_t tokens;
} turn_t;

struct conversation {
    turn_t *oldest, *newest;
    size_t count, tokens, max_tokens;
};

size_t conversation_estimate(size_t bytes)
{
    return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN + FRAME_TOKENS;
}

conversation_t *conversation_new(size_t max_tokens)
{
    conversation_t *conversation = alloc_new(conversation_t);

    conversation->max_tokens = max_tokens;
    return conversation;
}

static void drop_oldest(conversation_t *conversation)
{
    turn_t *turn = conversation->oldest;

    conversation->oldest = turn->next;
    if (!conversation->oldest)
        conversation->newest = NULL;
    conversation->count--;
    conversation->tokens -= turn->tokens;
    free(turn->question);
    free(turn->answer);
    free(turn);
}

void conversation_add(conversation_t *conversation, const char *question, const char *answer)
{
    turn_t *turn = alloc_new(turn_t);

    turn->question = alloc_string(question);
    turn->answer = alloc_string(answer);
    turn->tokens = conversation_estimate(strlen(question)) + conversation_estimate(strlen(answer));
    if (conversation->newest)
        conversation->newest->next = turn;
    else
        conversation->oldest = turn;
    conversation->newest = turn;
    conversation->count++;
    conversation->tokens += turn->tokens;
    while (conversation->tokens > conversation->max_tokens)
        drop_oldest(conversation);
}

void conversation_reset(conversation_t *conversation)
{
    while (conversation->oldest)
        drop_oldest(conversation);
}

void conversation_free(conversation_t *conversation)
{
    if (!conversation)
        return;
    conversation_reset(conversation);
    free(conversation);
}

size_t conversation_turns(const conversation_t *conversation)
{
    return conversation->count;
}

size_t conversation_tokens(const conversation_t *conversation)
{
    return conversation->tokens;
}

static err_t append_turn(buffer_t *out, const turn_t *turn)
{
    static const char user[] = "{\"role\":\"user\",\"content\":",
                      assistant[] = "},{\"role\":\"assistant\",\"content\":";
    err_t err = buffer_append(out, user, sizeof(user) - 1);

    if (err == ERR_OK)
        err = json_append_string(out, turn->question, strlen(turn->question));
    if (err == ERR_OK)
        err = buffer_append(out, assistant, sizeof(assistant) - 1);
    if (err == ERR_OK)
        err = json_append_string(out, turn->answer, strlen(turn->answer));
    return err == ERR_OK ? buffer_append(out, "},", 2) : err;
}

err_t conversation_append_json(const conversation_t *conversation, buffer_t *out)
{
    err_t err = ERR_OK;

    for (const turn_t *turn = conversation->oldest; turn && err == ERR_OK; turn = turn->next)
        err = append_turn(out, turn);
    return err;
}
