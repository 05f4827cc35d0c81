/* A listening TCP socket. Blocks for the look-up of the name: for the start of a program. */
#ifndef P2P_TCP_LISTEN_H
#define P2P_TCP_LISTEN_H
#include "error.h"
#include "log.h"

typedef struct {
    int descriptor; /* non-blocking, the caller's to close */
    int port;       /* the one that was taken, where it was asked for as 0 */
} tcp_listener_t;

/* Takes the first address of host that works. The reason of an error (RESOLVE, IO) is in the log. */
err_t tcp_listen(const char *host, int port, int backlog, const log_t *log, tcp_listener_t *out);

#endif
