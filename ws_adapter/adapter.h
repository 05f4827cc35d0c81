/* p2p-ws-adapter: the library's context on our loop, its connections, and what they are. */
#ifndef P2P_WS_ADAPTER_H
#define P2P_WS_ADAPTER_H
#include "common/daemon.h"
#include "config.h"

typedef struct adapter adapter_t;

/* Listens. config and daemon: not owned, outlive the adapter. On error why is in the log. */
err_t adapter_start(daemon_t *daemon, const config_t *config, adapter_t **out);
int adapter_port(const adapter_t *adapter);
/* Says goodbye to every browser, then closes all handles. */
void adapter_stop(adapter_t *adapter);
/* Once the loop has ended. NULL is allowed. */
void adapter_free(adapter_t *adapter);

#endif
