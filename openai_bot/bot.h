/* The assistant: its session with the chat server, and what becomes of each message that comes. Owns its books,
 * the questions to the model, and the answers on their way. */
#ifndef P2P_OPENAI_BOT_H
#define P2P_OPENAI_BOT_H
#include "common/daemon.h"
#include "config.h"

typedef struct bot bot_t;

/* The ready line follows with the first login. A login that is refused ends the daemon with status 1. NULL when
 * what was kept cannot be read (said in the log). config and daemon are not owned. */
bot_t *bot_start(daemon_t *daemon, const config_t *config);
/* Closes every handle; what waits to be sent gets a moment. Questions without an answer come again. */
void bot_stop(bot_t *bot);
/* When the loop has ended. */
void bot_free(bot_t *bot);

#endif
