/* Who came and went, told to the JSON sessions: coalesced, at most 5 frames a second, fewer with very many
 * sessions. Of who comes and goes within one frame's time only the last is told. */
#ifndef P2P_SERVER_PRESENCE_H
#define P2P_SERVER_PRESENCE_H
#include <stdint.h>
#include <uv.h>

typedef struct server server_t;
typedef struct session session_t;
typedef struct presence presence_t;

presence_t *presence_new(server_t *server);
/* Frees itself when its handle is closed. */
void presence_free(presence_t *presence);
/* A session that is logged in. Returns the sequence number: it is told of what came behind its own. */
uint64_t presence_joined(presence_t *presence, const session_t *session);
/* It is logged out, but still has its name. */
void presence_left(presence_t *presence, const session_t *session);

#endif
