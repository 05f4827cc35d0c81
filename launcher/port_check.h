/* Can a program listen there? Blocks for name look-ups: for use before the loop runs. */
#ifndef P2P_PORT_CHECK_H
#define P2P_PORT_CHECK_H
#include <stdint.h>

/* 0, or the errno of an attempt to listen on host and port (EADDRINUSE, EACCES, EADDRNOTAVAIL when the host is
 * not of this machine or cannot be resolved). Port 0 is always free. The answer is of this moment only. */
int port_check(const char *host, int port);
/* The same, but waits up to wait_ms for a port in use: the last owner may be just about to end. */
int port_check_patiently(const char *host, int port, int wait_ms);

#endif
