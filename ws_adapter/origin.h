/* Which pages may use the adapter: checks of the Host header (against DNS rebinding) and of Origin
 * (against pages of others). Pure. */
#ifndef P2P_WS_ORIGIN_H
#define P2P_WS_ORIGIN_H
#include <stdbool.h>

typedef struct origin_list origin_list_t;

/* A comma-separated list of origins: http://host, https://host:port. NULL when one isn't an origin. */
origin_list_t *origin_list_new(const char *list);
void origin_list_free(origin_list_t *list);
/* Host: is it one of the names under which we know ourselves: the address that we listen on (bound, port),
 * the names of loopback with our port, or the host of a listed origin? */
bool origin_host_allowed(const origin_list_t *list, const char *host, const char *bound, int port);
/* Origin: NULL when the header is missing. A browser always sends it with a WebSocket, so what sends none
 * is no page and can be let in. Else it is http:// and the very Host of the request, or one of the list. */
bool origin_allowed(const origin_list_t *list, const char *origin, const char *host);

#endif
