#include "question.h"
#include "common/alloc.h"
#include "common/hash.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two keyed hashes make 128 bits. The keys are no secret, only fixed: the id must be the same in each run. */
void question_answer_id(const char *sender, const char *id, char out[ID_SIZE])
{
    static const uint8_t keys[2][16] = {"p2p-openai-bot-1", "p2p-openai-bot-2"};
    char both[USERNAME_SIZE + ID_SIZE];
    int length = snprintf(both, sizeof(both), "%s/%s", sender, id);

    snprintf(out, ID_SIZE, "a-%016" PRIx64 "%016" PRIx64, hash_bytes(keys[0], both, (size_t)length),
             hash_bytes(keys[1], both, (size_t)length));
}

question_t *question_new(const message_t *message, bool stored)
{
    question_t *question = alloc_new(question_t);

    memcpy(question->sender, message->sender, sizeof(question->sender));
    memcpy(question->id, message->id, sizeof(question->id));
    question_answer_id(message->sender, message->id, question->answer_id);
    question->text = alloc_string_n(message->text, message->text_length);
    question->length = message->text_length;
    question->again = stored;
    return question;
}

void question_free(question_t *question)
{
    if (!question)
        return;
    free(question->text);
    free(question);
}
