/* What the assistant must not forget: each user's personality, and the tokens used today. Owns both, and their
 * files DATA/openai_users.json and DATA/openai_budget.json, which are written before anything is answered that
 * rests on them. Blocks for the disk. */
#ifndef P2P_BOOKS_H
#define P2P_BOOKS_H
#include "budget.h"
#include "common/log.h"
#include "users.h"

typedef struct books books_t;

typedef struct {
    const char *folder;              /* copied */
    const personality_t *usual;      /* for users who chose none */
    int64_t memory_tokens;           /* of a conversation */
    int64_t user_tokens, all_tokens; /* a day; 0 = no limit */
    const log_t *log;                /* not owned */
} books_options_t;

/* NULL when a file is there and cannot be used: said in the log. */
books_t *books_open(const books_options_t *options);
void books_free(books_t *books);
users_t *books_users(books_t *books);
const budget_t *books_budget(const books_t *books);

/* After a change of a user. False when it could not be written: it holds until the restart then. */
bool books_save_users(books_t *books);

typedef enum { BOOKS_OK, BOOKS_USER_SPENT, BOOKS_ALL_SPENT, BOOKS_NOT_WRITTEN } books_answer_t;

books_answer_t books_reserve(books_t *books, const char *user, int64_t tokens, reservation_t *out);
void books_settle(books_t *books, const char *user, const reservation_t *reservation, int64_t used);

#endif
