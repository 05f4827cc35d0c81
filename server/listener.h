/* Accepts connections; near the limit of descriptors it refuses them politely. */
#ifndef P2P_SERVER_LISTENER_H
#define P2P_SERVER_LISTENER_H
#include "server.h"

/* On error why is in the log. */
err_t listener_start(server_t *server, const char *host, int port, listener_t **out);
int listener_port(const listener_t *listener);
/* Frees itself when its handle is closed. NULL is allowed. */
void listener_close(listener_t *listener);

#endif
