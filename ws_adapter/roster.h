/* Who is online, as the server told one browser's session; sorted. Pure. */
#ifndef P2P_WS_ROSTER_H
#define P2P_WS_ROSTER_H
#include "common/json.h"

typedef struct {
    char **names;
    size_t count, capacity;
} roster_t;

enum { ROSTER_MAX = 20000 }; /* more are not remembered */

void roster_free(roster_t *roster); /* leaves it empty and usable */
/* users: array of strings, may be NULL. */
void roster_replace(roster_t *roster, const cJSON *users);
/* False when it was there already. */
bool roster_add(roster_t *roster, const char *name);
/* False when it was not there. */
bool roster_remove(roster_t *roster, const char *name);
/* Bytes that roster_append would need at most. */
size_t roster_bytes(const roster_t *roster);
/* "online_users":[…] as a member. */
err_t roster_append(const roster_t *roster, buffer_t *out);

#endif
