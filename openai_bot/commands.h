/* What the assistant does itself, without the model: one table of commands, from which the help is made. A message
 * is a command only when it is nothing else: "help me with this letter" is a question. Words in any case, with any
 * spaces around them. */
#ifndef P2P_COMMANDS_H
#define P2P_COMMANDS_H
#include "books.h"

typedef struct command command_entry_t;

typedef struct {
    const command_entry_t *entry;
    const char *argument; /* within the text; "" when there is none */
    size_t length;
} parsed_command_t;

/* Pure. False for a question. */
bool commands_parse(const char *text, size_t length, parsed_command_t *out);
/* Does it and appends the answer. id: of the message; one that comes again changes nothing. */
err_t commands_run(const parsed_command_t *command, books_t *books, const char *username, const char *id,
                   buffer_t *out);

#endif
