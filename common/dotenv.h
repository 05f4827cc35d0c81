/* Reads a .env file: NAME=value lines, # comments, optional `export `, single or double quotes. Pure parser
 * and a loader. Sets nothing in the environment. */
#ifndef P2P_DOTENV_H
#define P2P_DOTENV_H
#include "error.h"
#include <stddef.h>

typedef struct dotenv dotenv_t;
/* Parses; a line that is no assignment is an error: ERR_INVALID_SETTING with *line_number (may be NULL). The
 * file may be at most 64 KiB (ERR_TOO_LONG). A name that is there twice has its last value. */
err_t dotenv_parse(const char *text, size_t length, dotenv_t **out, int *line_number);
/* Loads path; a missing file gives an empty set. ERR_IO when it cannot be read. */
err_t dotenv_load(const char *path, dotenv_t **out, int *line_number);
/* NULL when it isn't there. */
const char *dotenv_get(const dotenv_t *dotenv, const char *name);
void dotenv_free(dotenv_t *dotenv); /* wipes the values first */

#endif
