/* What the assistant knows of each user: the personality that answers, the conversation, and which changes have
 * been made already (a message that comes again after a crash must not change anything twice). A bounded number of
 * users: the one that has been silent the longest is forgotten. Pure; what must survive a restart goes to and
 * comes from JSON. */
#ifndef P2P_USERS_H
#define P2P_USERS_H
#include "common/id.h"
#include "common/username.h"
#include "conversation.h"
#include "personalities.h"
#include <stdbool.h>

enum { USERS_MAX = 2000, USERS_APPLIED = 8 };

typedef struct users users_t;

typedef struct user {
    char name[USERNAME_SIZE];
    const personality_t *personality;
    bool chosen; /* by the user: kept over a restart */
    conversation_t *conversation;
    unsigned resets;                      /* of the conversation */
    char applied[USERS_APPLIED][ID_SIZE]; /* ids of the latest messages that changed something; "" = none */
    struct user *older, *newer;
} user_t;

users_t *users_new(const personality_t *usual, size_t conversation_tokens);
void users_free(users_t *users);
/* Makes it when there is none, and counts as a sign of life. Valid until the next call. */
user_t *users_get(users_t *users, const char *name);
size_t users_count(const users_t *users);

/* True when the message changes something for the first time; it is known from then on. */
bool user_apply(user_t *user, const char *id);

/* {"users":[{"name":…,"personality":…,"applied":[…]}]}, longest silent first. */
err_t users_write(const users_t *users, buffer_t *out);
/* ERR_NOT_JSON, ERR_INVALID_FRAME. A personality that is no longer there becomes the usual one. */
err_t users_read(users_t *users, const char *text, size_t length);

#endif
