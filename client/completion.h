/* Completion of the first word of a line: `name:` of who is online, and the commands. Pure. */
#ifndef P2P_CLIENT_COMPLETION_H
#define P2P_CLIENT_COMPLETION_H
#include "roster.h"

typedef struct {
    size_t roster_position;
    size_t command;
} completion_t; /* zeroed for a new word */

/* The next match for the word (to be freed), NULL at the end. ASCII letters match in either case. */
char *completion_next(completion_t *completion, const roster_t *roster, const char *word);

#endif
