#include "port_check.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT_CHECK_STEP_MS = 50 };

static int try_listen(const struct addrinfo *address)
{
    int one = 1, why = 0;
    int listener = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return errno;
    /* As the programs do it: connections that are just closing don't keep a port. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(listener, address->ai_addr, address->ai_addrlen) != 0 || listen(listener, 1) != 0)
        why = errno;
    close(listener);
    return why;
}

int port_check(const char *host, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &addresses) != 0)
        return EADDRNOTAVAIL;
    int why = try_listen(addresses);
    freeaddrinfo(addresses);
    return why;
}

int port_check_patiently(const char *host, int port, int wait_ms)
{
    const struct timespec step = {.tv_nsec = PORT_CHECK_STEP_MS * 1000L * 1000L};
    int why = port_check(host, port);
    for (int waited = 0; why == EADDRINUSE && waited < wait_ms; waited += PORT_CHECK_STEP_MS) {
        nanosleep(&step, NULL);
        why = port_check(host, port);
    }
    return why;
}
