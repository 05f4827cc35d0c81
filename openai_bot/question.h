/* A message to the assistant, until its answer has been acknowledged. Pure. */
#ifndef P2P_QUESTION_H
#define P2P_QUESTION_H
#include "common/message.h"

typedef struct question {
    char sender[USERNAME_SIZE];
    char id[ID_SIZE];
    char answer_id[ID_SIZE]; /* made of sender and id: the same again after a restart */
    char *text;
    size_t length;
    bool again;            /* it had waited: the assistant before us may have answered it */
    struct question *next; /* for whoever holds it */
} question_t;

question_t *question_new(const message_t *message, bool stored);
void question_free(question_t *question);
/* The id of the answer to that message. */
void question_answer_id(const char *sender, const char *id, char out[ID_SIZE]);

#endif
