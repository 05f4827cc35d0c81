/* What every long-running program of the suite does: a libuv loop, SIGINT/SIGTERM, SIGPIPE and SIGXFSZ ignored, the
 * descriptor limit raised, the ready line, a bounded clean stop.
 *
 *   daemon_t daemon;
 *   daemon_init(&daemon, "server", level, on_stop, server);
 *   … build the parts on daemon_loop(&daemon) …
 *   daemon_ready(&daemon, "host=%s port=%d", host, port);
 *   status = daemon_run(&daemon);          // until all handles are closed
 *   … free the parts …
 *   daemon_close(&daemon);                 // uv_loop_close, must be clean
 */
#ifndef P2P_DAEMON_H
#define P2P_DAEMON_H
#include "error.h"
#include "log.h"
#include <stdbool.h>
#include <uv.h>

typedef void (*daemon_stop_cb)(void *context);

typedef struct {
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_timer_t deadline;
    log_t log;
    daemon_stop_cb
        on_stop; /* called once, on the first signal or daemon_stop: close every handle, stop taking work */
    void *context;
    bool stopping;
    int status;
} daemon_t;

enum {
    DAEMON_STOP_MS = 4500
}; /* after this long the program ends as it is (exit status 1): section 1 asks for 5 s */

err_t daemon_init(daemon_t *daemon, const char *component, log_level_t level, daemon_stop_cb on_stop,
                  void *context);
uv_loop_t *daemon_loop(daemon_t *daemon);
/* Prints `ready …` on stdout and flushes. */
void daemon_ready(daemon_t *daemon, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a signal would; status is the program's exit status. May be called before daemon_run. */
void daemon_stop(daemon_t *daemon, int status);
/* Runs the loop until no handle is left; returns the exit status. */
int daemon_run(daemon_t *daemon);
void daemon_close(daemon_t *daemon);

/* True for 127.0.0.0/8, ::1 and localhost: whatever else needs a token (section 8). */
bool daemon_is_loopback(const char *host);
/* Raises the soft limit of descriptors to the hard one; returns it. */
size_t daemon_raise_file_limit(void);
/* Takes secrets out of reach: no core dumps, not readable through /proc by others (PR_SET_DUMPABLE 0). */
void daemon_hide_memory(void);

#endif
