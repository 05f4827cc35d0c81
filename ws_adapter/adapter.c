#include "adapter.h"
#include "browser.h"
#include "common/alloc.h"
#include "http_page.h"
#include "listener.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_CONNECTIONS = 4096,
    MAX_DESCRIPTORS = 65536, /* the library's tables are as large as the limit */
    TICK_MS = 1000,
    GOODBYE_MS = 1500, /* for browsers to take their last frames */
    REQUEST_SECONDS = 10,
    IDLE_SECONDS = 15, /* of a connection between two requests */
    CLOSE_GOING_AWAY = 1001,
};

struct adapter {
    daemon_t *daemon;
    const config_t *config;
    struct lws_context *library;
    struct lws_vhost *vhost;
    listener_t *listener;
    int port;
    http_page_t *page;
    browser_world_t world;
    size_t connections, limit;
    uv_timer_t tick;
    uint64_t stopping_since; /* 0 = not stopping */
};

/* What the library keeps for each connection. */
typedef struct {
    browser_t *browser; /* NULL for HTTP */
    page_reply_t reply;
} connection_t;

static adapter_t *adapter_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* ---- one handler for each kind of event that matters; all give 0 to go on, -1 to close ---- */

static int on_filter(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)connection, (void)in, (void)length;
    return http_page_filter(adapter_of(wsi)->page, wsi);
}

static int on_http(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)in, (void)length;
    /* Once more: not every way here leads through on_filter. */
    if (http_page_filter(adapter_of(wsi)->page, wsi) != 0)
        return -1;
    return http_page_serve(adapter_of(wsi)->page, wsi, &connection->reply);
}

static int on_body(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)wsi, (void)connection, (void)in, (void)length;
    return -1;
}

static int on_http_writable(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)in, (void)length;
    return http_page_write(wsi, &connection->reply);
}

static int on_http_end(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)wsi, (void)in, (void)length;
    if (connection)
        http_page_release(&connection->reply);
    return 0;
}

static int on_upgrade(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)connection, (void)in, (void)length;
    return http_page_upgrade(adapter_of(wsi)->page, wsi);
}

static int on_established(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)in, (void)length;
    connection->browser = browser_new(&adapter_of(wsi)->world, wsi);
    return 0;
}

static int on_receive(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)wsi;
    browser_on_receive(connection->browser, in, length);
    return 0;
}

static int on_writable(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)wsi, (void)in, (void)length;
    return browser_on_writable(connection->browser);
}

static int on_closed(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    (void)wsi, (void)in, (void)length;
    if (connection && connection->browser)
        browser_on_closed(connection->browser);
    if (connection)
        connection->browser = NULL;
    return 0;
}

static int on_destroyed(struct lws *wsi, connection_t *connection, void *in, size_t length)
{
    adapter_t *adapter = adapter_of(wsi);

    (void)connection, (void)in, (void)length;
    if (adapter->connections > 0)
        adapter->connections--;
    return 0;
}

static const struct {
    enum lws_callback_reasons reason;
    int (*handle)(struct lws *wsi, connection_t *connection, void *in, size_t length);
} handlers[] = {
    {LWS_CALLBACK_RECEIVE, on_receive},
    {LWS_CALLBACK_SERVER_WRITEABLE, on_writable},
    {LWS_CALLBACK_FILTER_HTTP_CONNECTION, on_filter},
    {LWS_CALLBACK_HTTP, on_http},
    {LWS_CALLBACK_HTTP_WRITEABLE, on_http_writable},
    {LWS_CALLBACK_HTTP_BODY, on_body},
    {LWS_CALLBACK_HTTP_BODY_COMPLETION, on_body},
    {LWS_CALLBACK_HTTP_DROP_PROTOCOL, on_http_end},
    {LWS_CALLBACK_CLOSED_HTTP, on_http_end},
    {LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, on_upgrade},
    {LWS_CALLBACK_ESTABLISHED, on_established},
    {LWS_CALLBACK_CLOSED, on_closed},
    {LWS_CALLBACK_WSI_DESTROY, on_destroyed},
};

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].reason == reason)
            return handlers[i].handle(wsi, user, in, length);
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "p2p-chat",
     .callback = on_event,
     .per_session_data_size = sizeof(connection_t),
     .rx_buffer_size = 8 * 1024,
     .tx_packet_size = 64 * 1024},
    {.name = NULL},
};

/* ---- connections ---- */

static void on_connection(void *context, int descriptor)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 10\r\n"
                               "Connection: close\r\n\r\n";
    adapter_t *adapter = context;

    if (adapter->stopping_since != 0 || adapter->connections >= adapter->limit) {
        send(descriptor, busy, sizeof busy - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(descriptor);
        return;
    }
    size_t count = ++adapter->connections;
    /* It closes what it can't take. Whether on_destroyed hears of that depends on how far it came. */
    if (!lws_adopt_socket_vhost(adapter->vhost, descriptor) && adapter->connections == count)
        adapter->connections--;
}

/* ---- time ---- */

static void destroy_library(adapter_t *adapter)
{
    uv_close((uv_handle_t *)&adapter->tick, NULL);
    /* Ends all connections; what is left of the library goes in adapter_free. */
    lws_context_destroy(adapter->library);
}

static void on_tick(uv_timer_t *timer)
{
    adapter_t *adapter = timer->data;
    browser_t *browser, *next;

    for (browser = TAILQ_FIRST(&adapter->world.browsers); browser; browser = next) {
        next = TAILQ_NEXT(browser, in_world);
        browser_tick(browser);
    }
    if (adapter->stopping_since != 0) {
        if (TAILQ_EMPTY(&adapter->world.browsers) ||
            uv_now(timer->loop) - adapter->stopping_since > GOODBYE_MS)
            destroy_library(adapter);
        return;
    }
    listener_tick(adapter->listener);
    /* The library looks at its timeouts only when something has happened on one of its descriptors. */
    if (adapter->connections > 0)
        lws_cancel_service(adapter->library);
}

/* ---- start and stop ---- */

/* How many connections there may be: a browser takes two descriptors, its own and the one to the server. */
static size_t limit_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return MAX_CONNECTIONS;
    if (limit.rlim_cur > MAX_DESCRIPTORS) {
        limit.rlim_cur = MAX_DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur / 3 < MAX_CONNECTIONS ? (size_t)limit.rlim_cur / 3 : MAX_CONNECTIONS;
}

static bool start_library(adapter_t *adapter, uv_loop_t *loop)
{
    /* A silent browser is pinged, and dead when that goes unanswered: section 9 wants it noticed within 60
     * s. */
    static const lws_retry_bo_t silence = {.secs_since_valid_ping = 20, .secs_since_valid_hangup = 45};
    void *loops[1] = {loop};
    struct lws_context_creation_info info;

    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.user = adapter;
    info.foreign_loops = loops;
    info.pcontext = &adapter->library;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.timeout_secs = REQUEST_SECONDS;
    info.timeout_secs_ah_idle = REQUEST_SECONDS;
    info.keepalive_timeout = IDLE_SECONDS;
    info.max_http_header_data = 4096;
    info.pt_serv_buf_size = 16 * 1024;
    info.retry_and_idle_policy = &silence;
    lws_set_log_level(0, NULL); /* it prints what peers send as it is */
    adapter->library = lws_create_context(&info);
    if (!adapter->library)
        return false;
    info.vhost_name = "p2p-chat";
    adapter->vhost = lws_create_vhost(adapter->library, &info);
    return adapter->vhost != NULL;
}

err_t adapter_start(daemon_t *daemon, const config_t *config, adapter_t **out)
{
    adapter_t *adapter = alloc_new(adapter_t);
    uv_loop_t *loop = daemon_loop(daemon);

    adapter->daemon = daemon;
    adapter->config = config;
    adapter->world = (browser_world_t){.loop = loop, .log = &daemon->log, .servers = config->server_list};
    TAILQ_INIT(&adapter->world.browsers);
    adapter->limit = limit_descriptors();
    err_t err = listener_start(loop, config->host, (int)config->port, &daemon->log, on_connection, adapter,
                               &adapter->listener);
    if (err != ERR_OK) {
        free(adapter);
        return err;
    }
    adapter->port = listener_port(adapter->listener);
    adapter->page = http_page_new(config, adapter->port);
    uv_timer_init(loop, &adapter->tick);
    adapter->tick.data = adapter;
    *out = adapter;
    if (!start_library(adapter, loop)) {
        log_error(&daemon->log, "library_failed", "hint=%s", "is libwebsockets-evlib-uv installed?");
        return ERR_IO; /* adapter_stop closes what there is */
    }
    uv_timer_start(&adapter->tick, on_tick, TICK_MS, TICK_MS);
    return ERR_OK;
}

int adapter_port(const adapter_t *adapter)
{
    return adapter->port;
}

void adapter_stop(adapter_t *adapter)
{
    browser_t *browser;

    listener_close(adapter->listener);
    adapter->listener = NULL;
    adapter->stopping_since = uv_now(adapter->world.loop);
    TAILQ_FOREACH(browser, &adapter->world.browsers, in_world) browser_close(browser, CLOSE_GOING_AWAY);
    uv_timer_start(&adapter->tick, on_tick, 0, 50);
}

void adapter_free(adapter_t *adapter)
{
    if (!adapter)
        return;
    if (adapter->library)
        lws_context_destroy(adapter->library);
    http_page_free(adapter->page);
    free(adapter);
}
