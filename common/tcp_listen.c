#include "tcp_listen.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_on(const struct addrinfo *address, int backlog)
{
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 && listen(descriptor, backlog) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static int bound_port(int descriptor)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0)
        return 0;
    /* The port is at the same place for both families. */
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

err_t tcp_listen(const char *host, int port, int backlog, const log_t *log, tcp_listener_t *out)
{
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses;
    int status = getaddrinfo(host, service, &hints, &addresses);
    if (status != 0) {
        log_error(log, "resolve_failed", "host=%s why=%s", host, gai_strerror(status));
        return ERR_RESOLVE;
    }
    int descriptor = -1;
    for (const struct addrinfo *address = addresses; address != NULL && descriptor < 0;
         address = address->ai_next)
        descriptor = listen_on(address, backlog);
    freeaddrinfo(addresses);
    if (descriptor < 0) {
        log_error(log, "listen_failed", "host=%s port=%d why=%s", host, port, strerror(errno));
        return ERR_IO;
    }
    out->descriptor = descriptor;
    out->port = bound_port(descriptor);
    return ERR_OK;
}
