/* A listening TCP socket. Blocks for the look-up of the name: for the start of a program. */
#ifndef P2P_HTTP_LISTEN_H
#define P2P_HTTP_LISTEN_H
#include "../common/error.h"
#include "../common/log.h"

/* *port: the one that was taken, where it was asked for as 0. The reason of an error is in the log. */
err_t http_listen(const char *host, int wanted_port, const log_t *log, int *listener, int *port);

#endif
