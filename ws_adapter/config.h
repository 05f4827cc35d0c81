/* The settings of p2p-ws-adapter. */
#ifndef P2P_WS_CONFIG_H
#define P2P_WS_CONFIG_H
#include "common/log.h"
#include "common/settings.h"
#include "origin.h"
#include "server_list.h"

typedef struct {
    char *host;
    int64_t port;
    char *server_host;
    int64_t server_port;
    char *servers;       /* P2P_WEB_SERVERS */
    char *origins;       /* P2P_WEB_ORIGINS */
    char *static_folder; /* the page */
    char *log_level;

    /* Made of the above by config_read. */
    server_list_t *server_list;
    origin_list_t *origin_list;
    log_level_t level;
} config_t;

/* Reads and checks; the exit status to end with, or -1 to go on. */
int config_read(int argc, char **argv, config_t *config);
void config_free(config_t *config);

#endif
