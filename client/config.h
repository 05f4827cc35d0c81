/* The settings of the terminal client. */
#ifndef P2P_CLIENT_CONFIG_H
#define P2P_CLIENT_CONFIG_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *host;
    int64_t port;
    char *username; /* "" = ask */
    char *token;    /* of a service name; "" = none */
    bool json;      /* one JSON object a line, no line editing */
    bool follow;    /* a filter goes on after the end of its input */
    int64_t wait_s; /* without any progress, at the end */
} config_t;

/* What the program ends with. Printed by --help. */
typedef enum {
    EXIT_DONE = 0,        /* everything sent is stored or delivered */
    EXIT_UNDELIVERED = 1, /* something was refused or not acknowledged, or the output failed */
    EXIT_USAGE = 2,       /* a setting is wrong */
    EXIT_NO_SESSION = 3,  /* cannot connect, or the login was refused */
} exit_status_t;

/* The exit status to end with (help, a wrong setting), or -1 to go on. */
int config_read(int argc, char **argv, config_t *config);
void config_free(config_t *config);

#endif
