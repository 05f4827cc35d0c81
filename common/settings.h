/* Settings from one table: flag, else environment, else .env of the working directory, else the default.
 * --help is printed from the table.
 *
 *   typedef struct { char *host; int64_t port; bool json; } config_t;
 *   static const setting_t table[] = {
 *       {"host", "P2P_SERVER_HOST", SETTING_TEXT, offsetof(config_t, host), "127.0.0.1", 0, 0, "address to
 * listen on"},
 *       {"port", "P2P_SERVER_PORT", SETTING_INTEGER, offsetof(config_t, port), "5000", 0, 65535, "port, 0
 * takes a free one"}, {NULL,   "P2P_SERVICE_TOKEN", SETTING_SECRET, …}          // no flag: never on a
 * command line
 *   };
 * Flags are --name value, --name=value; SETTING_FLAG ones are --name. --help and --version are always there. An
 * empty value in the environment or .env means the default. */
#ifndef P2P_SETTINGS_H
#define P2P_SETTINGS_H
#include "error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum {
    SETTING_TEXT, /* char *, owned by the config; "" when the default is "" ; NULL when the default is NULL */
    SETTING_SECRET,  /* like TEXT, never printed */
    SETTING_INTEGER, /* int64_t within minimum..maximum */
    SETTING_NUMBER,  /* double within minimum..maximum */
    SETTING_FLAG,    /* bool; environment: 1/true/yes/on, 0/false/no/off */
} setting_kind_t;

typedef struct {
    const char *flag;        /* without dashes; NULL = none */
    const char *environment; /* NULL = none */
    setting_kind_t kind;
    size_t offset; /* in the config struct */
    const char *fallback;
    double minimum, maximum; /* of numbers */
    const char *help;
} setting_t;

typedef struct {
    const char *program; /* p2p-server */
    const char *summary; /* one line */
    const setting_t *table;
    size_t count;
    /* NULL, or: what is wrong with the settings together, NULL when nothing is. May fill further members of config; a
     * text that it gives back stays its own. */
    const char *(*check)(void *config);
} settings_t;

/* Fills config (zeroed by the caller). On error a message for people is printed on stderr (which setting,
 * from where, what is wrong) and ERR_INVALID_SETTING returned;
 * --help/--version print on stdout and return ERR_HELP (exit 0). `.env` is read from the working directory.
 */
err_t settings_read(const settings_t *settings, int argc, char **argv, void *config);
void settings_free(const settings_t *settings, void *config); /* frees and wipes the texts */
void settings_print_help(const settings_t *settings, FILE *out);
/* settings_read and the check, and the exit status to end with (0 for help, 2 for an error), or -1 to go on: for
 * main(). After an error the texts are freed, what the check had filled is not. */
int settings_or_exit_status(const settings_t *settings, int argc, char **argv, void *config);

#endif
