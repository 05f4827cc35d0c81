/* p2p-ws-adapter: the web page and its way to the chat server. */
#include "adapter.h"
#include <stdio.h>

static void on_stop(void *context)
{
    adapter_t **adapter = context;
    if (*adapter)
        adapter_stop(*adapter);
}

int main(int argc, char **argv)
{
    config_t config;
    daemon_t daemon;
    adapter_t *adapter = NULL;
    int status = config_read(argc, argv, &config);

    if (status >= 0)
        return status;
    daemon_hide_memory(); /* everybody's messages go through it */
    if (daemon_init(&daemon, "ws_adapter", config.level, on_stop, &adapter) != ERR_OK) {
        fprintf(stderr, "p2p-ws-adapter: cannot start the event loop\n");
        config_free(&config);
        return 1;
    }
    if (adapter_start(&daemon, &config, &adapter) == ERR_OK)
        daemon_ready(&daemon, "host=%s port=%d", config.host, adapter_port(adapter));
    else
        daemon_stop(&daemon, 1);
    status = daemon_run(&daemon);
    adapter_free(adapter);
    daemon_close(&daemon);
    config_free(&config);
    return status;
}
