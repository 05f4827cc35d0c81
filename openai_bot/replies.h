/* Answers on their way: each is kept until the server has it, and only then `got` is said for its question. So a
 * question whose answer is not safe comes again after a crash, and its answer has the same id. */
#ifndef P2P_REPLIES_H
#define P2P_REPLIES_H
#include "common/chat_session.h"
#include "question.h"

typedef struct replies replies_t;

replies_t *replies_new(uv_loop_t *loop, const log_t *log);
/* The session to send by; NULL from when it closes. */
void replies_set_session(replies_t *replies, chat_session_t *session);
void replies_set_max_bytes(replies_t *replies, size_t max_message_bytes);
/* Sends the text (cut to what a message may hold) as the answer. Takes the question. */
void replies_send(replies_t *replies, question_t *question, const char *text, size_t length);
/* Is an answer of that id on its way? */
bool replies_has(const replies_t *replies, const char *answer_id);
void replies_on_receipt(replies_t *replies, const char *id, receipt_status_t status, const char *code);
/* Closes the timer; frees when it is closed. */
void replies_free(replies_t *replies);

#endif
