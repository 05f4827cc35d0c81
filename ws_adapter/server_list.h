/* The chat servers that a browser may name. A name is compared as it is written, so that no other spelling
 * of an address (decimal, octal, IPv6, trailing dot…) can stand for something that was not meant. Pure. */
#ifndef P2P_WS_SERVER_LIST_H
#define P2P_WS_SERVER_LIST_H
#include "common/json.h"

typedef struct server_list server_list_t;

typedef struct {
    const char *host; /* as long as the list */
    int port;
} server_address_t;

/* The configured server, which is always on it, and a comma-separated list of host:port or [IPv6]:port.
 * NULL when that makes no sense. */
server_list_t *server_list_new(const char *host, int port, const char *list);
void server_list_free(server_list_t *list);
/* What a login frame asks for: server_host and server_port, each missing, null or an empty string for the
 * configured one. A port may also be a string of digits, as a form field gives it. False when it is not on
 * the list; *out is untouched then. */
bool server_list_choose(const server_list_t *list, const cJSON *login, server_address_t *out);

#endif
