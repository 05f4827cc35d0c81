/* How many tokens were used today (UTC), by each user and by all: what a question may cost is taken before it is
 * asked, and what it did not cost is given back, so that questions side by side can't exceed a limit. Pure; its
 * state goes to and comes from JSON. */
#ifndef P2P_BUDGET_H
#define P2P_BUDGET_H
#include "common/buffer.h"
#include <stdint.h>

typedef struct budget budget_t;

typedef enum {
    BUDGET_OK,
    BUDGET_USER_SPENT, /* the user's own limit */
    BUDGET_ALL_SPENT,  /* the limit of all together, or more users than are counted */
} budget_answer_t;

typedef struct {
    int64_t day; /* since 1970 */
    int64_t tokens;
} reservation_t;

enum { BUDGET_MAX_USERS = 10000 };

/* Limits in tokens a day; 0 = none. */
budget_t *budget_new(int64_t user_limit, int64_t limit);
void budget_free(budget_t *budget);

/* The day of a time in microseconds since 1970. */
int64_t budget_day(int64_t now_us);

budget_answer_t budget_reserve(budget_t *budget, const char *user, int64_t tokens, int64_t day,
                               reservation_t *out);
/* used: tokens that the question really cost. Of a day that is over nothing is given back. */
void budget_settle(budget_t *budget, const char *user, const reservation_t *reservation, int64_t used);

/* Used or reserved on that day. */
int64_t budget_used_by(const budget_t *budget, const char *user, int64_t day);
int64_t budget_used(const budget_t *budget, int64_t day);
int64_t budget_user_limit(const budget_t *budget);
int64_t budget_limit(const budget_t *budget);

/* {"day":N,"tokens":N,"users":{"alice":N}} */
err_t budget_write(const budget_t *budget, buffer_t *out);
/* ERR_NOT_JSON or ERR_INVALID_FRAME; the budget is as it was then. */
err_t budget_read(budget_t *budget, const char *text, size_t length);

#endif
