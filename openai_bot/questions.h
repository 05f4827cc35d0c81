/* Questions to the model under way: one at a time for each user with a short line behind it, a bounded number in
 * all. Pays from the books before it asks. Hands out the growing text at most five times a second, and the end. */
#ifndef P2P_QUESTIONS_H
#define P2P_QUESTIONS_H
#include "books.h"
#include "completion.h"
#include "question.h"

typedef struct questions questions_t;

enum {
    QUESTIONS_WAITING = 3,  /* of one user, behind the one that is being answered */
    QUESTIONS_AT_ONCE = 64, /* of all users; more wait */
    QUESTIONS_PARTIAL_MS = 200,
};

typedef struct {
    /* All of the text so far. */
    void (*on_partial)(void *context, const question_t *question, const char *text, size_t length);
    /* The end: the answer, or a sentence why there is none. Takes the question. */
    void (*on_answer)(void *context, question_t *question, const char *text, size_t length);
} questions_events_t;

typedef struct {
    const char *model; /* copied */
    bool is_openai;    /* see prompt_t */
    int64_t answer_tokens;
    books_t *books;             /* not owned */
    completions_t *completions; /* not owned */
    const log_t *log;           /* not owned */
} questions_options_t;

questions_t *questions_new(uv_loop_t *loop, const questions_options_t *options,
                           const questions_events_t *events, void *context);
void questions_set_max_bytes(questions_t *questions, size_t max_message_bytes);
/* Takes the question, or returns false when the user's line is full. No event comes within this call. */
bool questions_add(questions_t *questions, question_t *question);
/* Is the question with that answer under way? */
bool questions_has(const questions_t *questions, const char *sender, const char *answer_id);
/* Drops all, without events; frees when the timer is closed. */
void questions_free(questions_t *questions);

#endif
