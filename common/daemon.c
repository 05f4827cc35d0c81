#include "daemon.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DAEMON_LEAK_CHECK 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define DAEMON_LEAK_CHECK 1
#endif

static void log_open_handle(uv_handle_t *handle, void *context)
{
    const daemon_t *daemon = context;
    const char *type = uv_handle_type_name(handle->type);

    log_error(&daemon->log, "handle_open", "type=%s closing=%d", type, uv_is_closing(handle) != 0);
}

/* The parts did not let go in time. They may hold threads and half-done work, so nothing is freed. */
static void on_deadline(uv_timer_t *timer)
{
    daemon_t *daemon = timer->data;

    log_error(&daemon->log, "stop_timeout", "ms=%d", DAEMON_STOP_MS);
    uv_walk(&daemon->loop, log_open_handle, daemon);
    _exit(1);
}

/* The deadline does not keep the loop alive: it only bounds it. */
static void start_deadline(daemon_t *daemon)
{
    uv_timer_start(&daemon->deadline, on_deadline, DAEMON_STOP_MS, 0);
    uv_unref((uv_handle_t *)&daemon->deadline);
}

static void on_stop_due(uv_timer_t *timer)
{
    daemon_t *daemon = timer->data;

    /* The signals stay caught: a second one (from a terminal and from the launcher, say) must not cut the
     * stop short. */
    uv_unref((uv_handle_t *)&daemon->interrupt);
    uv_unref((uv_handle_t *)&daemon->terminate);
    start_deadline(daemon);
    log_info(&daemon->log, "stopping", "status=%d", daemon->status);
    if (daemon->on_stop)
        daemon->on_stop(daemon->context);
}

void daemon_stop(daemon_t *daemon, int status)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    daemon->status = status;
    uv_timer_start(&daemon->deadline, on_stop_due, 0, 0);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    daemon_stop(handle->data, 0);
}

static void close_signals(daemon_t *daemon)
{
    if (uv_is_closing((uv_handle_t *)&daemon->interrupt))
        return;
    uv_close((uv_handle_t *)&daemon->interrupt, NULL);
    uv_close((uv_handle_t *)&daemon->terminate, NULL);
    /* libuv puts the default action back; a late second signal must not turn a clean end into a killed one.
     */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
}

err_t daemon_init(daemon_t *daemon, const char *component, log_level_t level, daemon_stop_cb on_stop,
                  void *context)
{
    memset(daemon, 0, sizeof(*daemon));
    log_init(&daemon->log, component, level);
    daemon->on_stop = on_stop;
    daemon->context = context;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, not the end */
    daemon_raise_file_limit();
    if (uv_loop_init(&daemon->loop) != 0)
        return ERR_IO;
    uv_timer_init(&daemon->loop, &daemon->deadline);
    if (uv_signal_init(&daemon->loop, &daemon->interrupt) != 0) {
        uv_close((uv_handle_t *)&daemon->deadline, NULL);
        uv_run(&daemon->loop, UV_RUN_DEFAULT);
        uv_loop_close(&daemon->loop);
        return ERR_IO;
    }
    uv_signal_init(&daemon->loop, &daemon->terminate); /* shares the pipe of the first: cannot fail */
    daemon->deadline.data = daemon->interrupt.data = daemon->terminate.data = daemon;
    if (uv_signal_start(&daemon->interrupt, on_signal, SIGINT) != 0 ||
        uv_signal_start(&daemon->terminate, on_signal, SIGTERM) != 0) {
        daemon_close(daemon);
        return ERR_IO;
    }
    return ERR_OK;
}

uv_loop_t *daemon_loop(daemon_t *daemon)
{
    return &daemon->loop;
}

void daemon_ready(daemon_t *daemon, const char *format, ...)
{
    (void)daemon;
    va_list arguments;
    va_start(arguments, format);
    fputs("ready ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    va_end(arguments);
}

int daemon_run(daemon_t *daemon)
{
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    return daemon->status;
}

void daemon_close(daemon_t *daemon)
{
    close_signals(daemon);
    /* Parts of a program that never ran may still be closing. */
    start_deadline(daemon);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&daemon->deadline, NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&daemon->loop) != 0) {
        log_error(&daemon->log, "loop_not_clean", "status=%d", daemon->status);
        uv_walk(&daemon->loop, log_open_handle, daemon);
    }
}

bool daemon_is_loopback(const char *host)
{
    unsigned char address[16];
    static const unsigned char loopback6[16] = {[15] = 1};

    if (uv_inet_pton(AF_INET, host, address) == 0)
        return address[0] == 127;
    if (uv_inet_pton(AF_INET6, host, address) == 0)
        return memcmp(address, loopback6, sizeof(address)) == 0;
    return strcasecmp(host, "localhost") == 0;
}

size_t daemon_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    return limit.rlim_cur;
}

void daemon_hide_memory(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
#ifndef DAEMON_LEAK_CHECK
    /* LeakSanitizer reads the process through ptrace at exit and would fail. */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}
