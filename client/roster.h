/* Who is online, as the server told: for completion, and to say that somebody is away. */
#ifndef P2P_CLIENT_ROSTER_H
#define P2P_CLIENT_ROSTER_H
#include "common/json.h"

typedef struct roster roster_t;

roster_t *roster_new(void);
void roster_free(roster_t *roster);
/* Arrays of names; NULL is empty. What is no username is left out. */
void roster_replace(roster_t *roster, const cJSON *users);
void roster_update(roster_t *roster, const cJSON *joined, const cJSON *left);
bool roster_has(const roster_t *roster, const char *username);
size_t roster_count(const roster_t *roster);
/* Walk: *position starts at 0; NULL at the end. The roster must not change meanwhile. */
const char *roster_next(const roster_t *roster, size_t *position);

#endif
