#include "completion.h"
#include "commands.h"
#include "common/alloc.h"
#include <string.h>
#include <strings.h>

char *completion_next(completion_t *completion, const roster_t *roster, const char *word)
{
    size_t length = strlen(word);
    const char *name;
    while (word[0] != '!' && (name = roster_next(roster, &completion->roster_position)) != NULL) {
        if (strncasecmp(name, word, length) == 0)
            return alloc_format("%s:", name);
    }
    const command_entry_t *command;
    while (length > 0 && (command = commands_at(completion->command)) != NULL) {
        completion->command++;
        if (strncasecmp(command->name, word, length) == 0)
            return alloc_string(command->name);
    }
    return NULL;
}
