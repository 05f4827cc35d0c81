/* Where a component listens, and how others call that. Pure. */
#ifndef P2P_ENDPOINT_H
#define P2P_ENDPOINT_H

enum {
    ENDPOINT_HOST_SIZE = 256,
    ENDPOINT_TEXT_SIZE = ENDPOINT_HOST_SIZE + 32,
};

typedef struct {
    char host[ENDPOINT_HOST_SIZE];
    int port;
} endpoint_t;

/* A host too long is cut: it cannot be listened on anyhow. */
void endpoint_set(endpoint_t *endpoint, const char *host, int port);
/* The host to connect to: a wildcard address stands for this machine. */
const char *endpoint_connect_host(const endpoint_t *endpoint);
/* host:port, with brackets round an IPv6 address. */
void endpoint_format(const endpoint_t *endpoint, char out[ENDPOINT_TEXT_SIZE]);
/* http://host:port to connect to. */
void endpoint_format_url(const endpoint_t *endpoint, char out[ENDPOINT_TEXT_SIZE]);
/* The same for a person's browser: this machine is called localhost. */
void endpoint_format_page(const endpoint_t *endpoint, char out[ENDPOINT_TEXT_SIZE]);

#endif
