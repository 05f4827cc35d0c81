/* The commands that a line can be, in one table: what they do, and what !help says. */
#ifndef P2P_CLIENT_COMMANDS_H
#define P2P_CLIENT_COMMANDS_H
#include "common/buffer.h"

struct client;

typedef struct {
    const char *name, *help;
    /* OK, or why it can't be done now: CLOSED (offline). */
    err_t (*run)(struct client *client);
} command_entry_t;

/* NULL when there is no such command. */
const command_entry_t *commands_find(const char *word, size_t length);
/* NULL behind the last one. */
const command_entry_t *commands_at(size_t position);
void commands_append_help(buffer_t *out);

#endif
