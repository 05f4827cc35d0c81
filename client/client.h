/* The client: one chat session, one view of it, and either a terminal or a filter's input and outputs. */
#ifndef P2P_CLIENT_CLIENT_H
#define P2P_CLIENT_CLIENT_H
#include "common/frame.h"
#include "config.h"
#include <uv.h>

typedef struct client client_t;

/* The config must outlive it. interactive: input and output are a terminal. Its handles are all closed when
 * it has ended by itself. */
client_t *client_start(uv_loop_t *loop, const config_t *config, bool interactive);
/* When the loop has ended. Returns the exit status. */
int client_free(client_t *client);

/* What the commands do. */
void client_show_help(client_t *client);
/* CLOSED when offline. */
err_t client_ask(client_t *client, command_t command);
/* Leaves when everything sent is acknowledged, or the patience is over. */
void client_finish(client_t *client);

#endif
