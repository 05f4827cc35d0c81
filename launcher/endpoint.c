#include "endpoint.h"
#include "../common/daemon.h"
#include <stdio.h>
#include <string.h>

void endpoint_set(endpoint_t *endpoint, const char *host, int port)
{
    snprintf(endpoint->host, sizeof endpoint->host, "%s", host);
    endpoint->port = port;
}

const char *endpoint_connect_host(const endpoint_t *endpoint)
{
    if (strcmp(endpoint->host, "0.0.0.0") == 0)
        return "127.0.0.1";
    if (strcmp(endpoint->host, "::") == 0)
        return "::1";
    return endpoint->host;
}

static void format(const char *scheme, const char *host, int port, char out[ENDPOINT_TEXT_SIZE])
{
    const char *pattern = strchr(host, ':') != NULL ? "%s[%s]:%d" : "%s%s:%d";
    snprintf(out, ENDPOINT_TEXT_SIZE, pattern, scheme, host, port);
}

void endpoint_format(const endpoint_t *endpoint, char out[ENDPOINT_TEXT_SIZE])
{
    format("", endpoint->host, endpoint->port, out);
}

void endpoint_format_url(const endpoint_t *endpoint, char out[ENDPOINT_TEXT_SIZE])
{
    format("http://", endpoint_connect_host(endpoint), endpoint->port, out);
}

void endpoint_format_page(const endpoint_t *endpoint, char out[ENDPOINT_TEXT_SIZE])
{
    const char *host = endpoint_connect_host(endpoint);
    format("http://", daemon_is_loopback(host) ? "localhost" : host, endpoint->port, out);
}
