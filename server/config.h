/* The settings of p2p-server. */
#ifndef P2P_SERVER_CONFIG_H
#define P2P_SERVER_CONFIG_H
#include "../common/log.h"
#include "../common/settings.h"

typedef struct {
    char *host;
    int64_t port;
    char *api_base;
    char *delivery; /* durable or direct */
    int64_t rate_limit;
    int64_t max_message_bytes;
    char *token;
    char *service_names;
    char *log_level;

    /* Made of the above by config_read. */
    bool direct;
    log_level_t level;
} config_t;

/* Reads and checks; the exit status to end with, or -1 to go on. */
int config_read(int argc, char **argv, config_t *config);
void config_free(config_t *config);

#endif
