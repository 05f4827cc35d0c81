/* Who is online: sessions by the case-folded name, in the order of their logins. */
#ifndef P2P_SERVER_USERS_H
#define P2P_SERVER_USERS_H
#include "../common/frame.h"
#include "../common/hash.h"
#include <sys/queue.h>

typedef struct session session_t;
typedef struct users users_t;

users_t *users_new(void);
void users_free(users_t *users);
/* False when a session with an equal name is online. The name (normalised) must live as long as it is here. */
bool users_add(users_t *users, session_t *session, const char *username);
void users_remove(users_t *users, session_t *session, const char *username);
/* The session of exactly this (normalised) name, or NULL. */
session_t *users_find(const users_t *users, const char *username);
size_t users_count(const users_t *users);
/* At most `limit` names, the last one being that of `self`, which is online; returns how many. */
size_t users_names(const users_t *users, const session_t *self, const char **names, size_t limit);
/* The names of the oldest LIMIT_NAMES_TEXT - 1, of at least as many, with ", " between them. Until the next change. */
const char *users_oldest(users_t *users);
/* The oldest LIMIT_NAMES_JSON - 1 of the others, for the session that was added last. Until the next change. */
frame_names_t users_others(users_t *users, const session_t *newest);
/* The first one, and the one that logged in behind `session`; NULL at the end. */
session_t *users_first(const users_t *users);
session_t *users_next(const session_t *session);

#endif
