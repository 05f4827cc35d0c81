#include "connector.h"
#include "alloc.h"
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Section 9: a dead peer is noticed within 60 s. Idle: 20 s, then 3 probes 10 s apart. With bytes under way
 * keepalive is silent and the user timeout counts. */
enum { TUNE_IDLE_S = 20, TUNE_INTERVAL_S = 10, TUNE_PROBES = 3, TUNE_USER_TIMEOUT_MS = 50000 };

typedef struct attempt attempt_t;

struct connector {
    uv_loop_t *loop;
    uv_timer_t timer; /* the end of this attempt, or, with nothing under way, the time to report */
    uv_getaddrinfo_t lookup;
    struct addrinfo *found; /* all addresses, owned */
    struct addrinfo *next;  /* the next one to try */
    attempt_t *attempt;     /* under way, or NULL */
    connector_cb on_done;
    void *context;
    uint64_t deadline; /* uv_now */
    err_t err;         /* of the last failure */
    int port;
    bool looking_up;
    bool closing; /* reported or cancelled */
    unsigned pins;
};

/* One address. The connector lets go of it by setting connector to NULL. */
struct attempt {
    uv_connect_t request;
    uv_tcp_t *tcp;
    connector_t *connector;
};

void connector_tune(uv_tcp_t *tcp)
{
    int fd, idle = TUNE_IDLE_S, interval = TUNE_INTERVAL_S, probes = TUNE_PROBES;
    unsigned user_timeout = TUNE_USER_TIMEOUT_MS;

    /* A socket that refuses one of these works without it. */
    uv_tcp_nodelay(tcp, 1);
    uv_tcp_keepalive(tcp, 1, TUNE_IDLE_S);
    if (uv_fileno((uv_handle_t *)tcp, &fd) != 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
}

static void on_tcp_closed(uv_handle_t *handle)
{
    free(handle);
}

static void unpin(connector_t *connector)
{
    if (--connector->pins > 0)
        return;
    uv_freeaddrinfo(connector->found);
    free(connector);
}

static void on_timer_closed(uv_handle_t *handle)
{
    unpin(handle->data);
}

static void abandon_attempt(connector_t *connector)
{
    attempt_t *attempt = connector->attempt;

    if (!attempt)
        return;
    connector->attempt = NULL;
    attempt->connector = NULL; /* freed in its callback, which closing brings about */
    uv_close((uv_handle_t *)attempt->tcp, on_tcp_closed);
}

static void close_all(connector_t *connector)
{
    if (connector->closing)
        return;
    connector->closing = true;
    abandon_attempt(connector);
    if (connector->looking_up)
        uv_cancel((uv_req_t *)&connector->lookup); /* its callback comes in any case */
    uv_close((uv_handle_t *)&connector->timer, on_timer_closed);
}

static void report(connector_t *connector, err_t err, uv_tcp_t *tcp)
{
    connector_cb on_done = connector->on_done;
    void *context = connector->context;

    close_all(connector);
    on_done(context, err, tcp);
}

static void on_connected(uv_connect_t *request, int status);
static void on_timer(uv_timer_t *timer);

static int start_attempt(connector_t *connector, const struct sockaddr *address)
{
    attempt_t *attempt = alloc_new(attempt_t);

    attempt->tcp = alloc_new(uv_tcp_t);
    uv_tcp_init(connector->loop, attempt->tcp);
    int err = uv_tcp_connect(&attempt->request, attempt->tcp, address, on_connected);
    if (err != 0) {
        uv_close((uv_handle_t *)attempt->tcp, on_tcp_closed);
        free(attempt);
        return err;
    }
    attempt->connector = connector;
    connector->attempt = attempt;
    return 0;
}

/* The time is shared out among the addresses left, so that one that never answers can't take it all. */
static void set_timer(connector_t *connector)
{
    uint64_t now = uv_now(connector->loop), left = 1, share = 0;

    for (const struct addrinfo *info = connector->next; info; info = info->ai_next)
        left++;
    if (connector->deadline > now)
        share = (connector->deadline - now + left - 1) / left;
    uv_timer_start(&connector->timer, on_timer, share, 0);
}

/* Tries the next address; with none left the timer reports, for the caller may be connector_start. */
static void try_next(connector_t *connector)
{
    while (connector->next) {
        const struct addrinfo *info = connector->next;
        connector->next = info->ai_next;
        if (start_attempt(connector, info->ai_addr) == 0) {
            set_timer(connector);
            return;
        }
        connector->err = ERR_CONNECT;
    }
    uv_timer_start(&connector->timer, on_timer, 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    connector_t *connector = timer->data;

    if (connector->attempt || connector->looking_up)
        connector->err = ERR_TIMEOUT;
    abandon_attempt(connector);
    if (!connector->looking_up && connector->next && uv_now(connector->loop) < connector->deadline)
        try_next(connector);
    else
        report(connector, connector->err, NULL);
}

static void on_connected(uv_connect_t *request, int status)
{
    attempt_t *attempt = (attempt_t *)request;
    connector_t *connector = attempt->connector;
    uv_tcp_t *tcp = attempt->tcp;

    free(attempt);
    if (!connector)
        return; /* the socket is closing already */
    connector->attempt = NULL;
    if (status == 0) {
        connector_tune(tcp);
        report(connector, ERR_OK, tcp);
        return;
    }
    uv_close((uv_handle_t *)tcp, on_tcp_closed);
    connector->err = ERR_CONNECT;
    try_next(connector);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    connector_t *connector = lookup->data;

    connector->looking_up = false;
    connector->found = found;
    if (!connector->closing) {
        connector->next = status == 0 ? found : NULL;
        connector->err = status == 0 ? ERR_CONNECT : ERR_RESOLVE;
        try_next(connector);
    }
    unpin(connector);
}

static void start_lookup(connector_t *connector, const char *host)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[16];

    snprintf(service, sizeof(service), "%d", connector->port);
    if (uv_getaddrinfo(connector->loop, &connector->lookup, on_found, host, service, &hints) != 0) {
        try_next(connector); /* a name that is none: nothing to try */
        return;
    }
    connector->lookup.data = connector;
    connector->looking_up = true;
    connector->pins++;
    set_timer(connector);
}

connector_t *connector_start(uv_loop_t *loop, const char *host, int port, uint64_t timeout_ms,
                             connector_cb on_done, void *context)
{
    connector_t *connector = alloc_new(connector_t);

    connector->loop = loop;
    connector->port = port;
    connector->on_done = on_done;
    connector->context = context;
    connector->pins = 1;
    connector->err = ERR_RESOLVE;
    uv_update_time(loop);
    connector->deadline = uv_now(loop) + timeout_ms;
    uv_timer_init(loop, &connector->timer);
    connector->timer.data = connector;

    /* An address needs no thread. */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    if (uv_ip4_addr(host, port, &address.v4) == 0 || uv_ip6_addr(host, port, &address.v6) == 0) {
        connector->err = ERR_CONNECT;
        if (start_attempt(connector, &address.any) == 0)
            set_timer(connector);
        else
            try_next(connector);
    } else {
        start_lookup(connector, host);
    }
    return connector;
}

void connector_cancel(connector_t *connector)
{
    if (connector)
        close_all(connector);
}
