/* A peer on a real socket of loopback, in the thread of the loop that is under test. */
#ifndef P2P_FUZZ_SOCKET_H
#define P2P_FUZZ_SOCKET_H
#include "fuzz.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static inline struct sockaddr_in fuzz_address(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* *port: the one it got. */
static inline int fuzz_listen(int *port)
{
    struct sockaddr_in address = fuzz_address(0);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 64) == 0);
    FUZZ_CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static inline int fuzz_connect(int port)
{
    struct sockaddr_in address = fuzz_address(port);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int status;
    do /* the fuzzer's alarm comes every few seconds */
        status = connect(peer, (struct sockaddr *)&address, sizeof address);
    while (status != 0 && errno == EINTR);
    FUZZ_CHECK(status == 0);
    return peer;
}

/* Reset, so that ports don't wait for their time. */
static inline void fuzz_close(int peer)
{
    struct linger now = {1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peer);
}

/* Runs the loop until *done; in five seconds it must be. */
static inline void fuzz_run(uv_loop_t *loop, const bool *done)
{
    uint64_t end = uv_hrtime() + UINT64_C(5000000000);
    while (!*done) {
        FUZZ_CHECK(uv_hrtime() < end);
        uv_run(loop, UV_RUN_NOWAIT);
    }
}

#endif
