/* Addresses of HTTP servers, as settings have them. */
#ifndef P2P_HTTP_URL_H
#define P2P_HTTP_URL_H
#include <stdbool.h>

/* http:// or https:// and a host, perhaps a port and a path to put routes behind; no user, query or fragment. */
bool http_url_is_base(const char *url);

#endif
