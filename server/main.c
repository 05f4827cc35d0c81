/* p2p-server: the chat server. */
#include "config.h"
#include "server.h"
#include <stdio.h>

static void on_stop(void *context)
{
    server_t **server = context;
    if (*server)
        server_stop(*server);
}

int main(int argc, char **argv)
{
    config_t config;
    daemon_t daemon;
    server_t *server = NULL;
    int status = config_read(argc, argv, &config);

    if (status >= 0)
        return status;
    daemon_hide_memory();
    if (daemon_init(&daemon, "server", config.level, on_stop, &server) != ERR_OK) {
        fprintf(stderr, "p2p-server: cannot start the event loop\n");
        config_free(&config);
        return 1;
    }
    err_t err = server_start(&daemon, &config, &server);
    if (err == ERR_OK) {
        daemon_ready(&daemon, "host=%s port=%d", config.host, server_port(server));
    } else {
        if (err == ERR_INVALID_SETTING)
            fprintf(stderr, "p2p-server: --api-base (P2P_API_BASE) is not a usable address\n");
        daemon_stop(&daemon, err == ERR_INVALID_SETTING ? 2 : 1);
    }
    status = daemon_run(&daemon);
    server_free(server);
    daemon_close(&daemon);
    config_free(&config);
    return status;
}
