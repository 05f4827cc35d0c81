/* p2p-message-api: HTTP in front of the store. */
#include "../common/daemon.h"
#include "../common/text.h"
#include "api.h"
#include "config.h"
#include "http_server.h"
#include "openapi.h"
#include <stdlib.h>
#include <unistd.h>

enum {
    CONNECTIONS = 4096,
    SPARE_FILES = 64, /* descriptors for all but the connections */
    LINGER_MS = 300,
    BATCH_BYTES_MAX = 64 * 1024 * 1024,
    ANSWER_BYTES_MAX = 256 * 1024 * 1024,
};

typedef struct {
    config_t config;
    daemon_t daemon;
    api_t api;
    http_server_t *http;
    bool store_hangs;
} app_t;

static void on_store_closed(void *context, bool clean)
{
    app_t *app = context;
    app->store_hangs = !clean;
    app->api.store = NULL;
    if (app->http != NULL)
        http_server_close(app->http, LINGER_MS, NULL, NULL);
}

/* Takes nothing more in; the store answers what waits for it, and then the answers are sent. */
static void on_stop(void *context)
{
    app_t *app = context;
    if (app->http != NULL)
        http_server_drain(app->http);
    if (app->api.store != NULL)
        store_close(app->api.store, on_store_closed, app);
}

static err_t open_store(app_t *app)
{
    const config_t *config = &app->config;
    store_config_t options = {
        .mongo_url = config->mongo_url,
        .database = config->database,
        .mailbox_messages = (size_t)config->mailbox_messages,
        .mailbox_bytes = (size_t)config->mailbox_bytes,
        .max_message_bytes = (size_t)config->max_message_bytes,
    };
    return store_open(daemon_loop(&app->daemon), &options, &app->daemon.log, &app->api.store);
}

static err_t make_openapi(app_t *app)
{
    buffer_t text;
    buffer_init(&text, 0);
    err_t err = openapi_append(&text, app->config.max_message_bytes);
    app->api.openapi = buffer_take(&text, &app->api.openapi_length);
    return err;
}

/* Every batch that fits the protocol fits in, whatever has to be escaped in it. */
static size_t batch_bytes(size_t one)
{
    size_t batch = one * STORE_MAX_PUT;
    if (batch > BATCH_BYTES_MAX)
        batch = BATCH_BYTES_MAX;
    return batch > one ? batch : one;
}

static err_t open_http(app_t *app)
{
    const config_t *config = &app->config;
    size_t one = message_max_line((size_t)config->max_message_bytes) + 1024;
    size_t files = daemon_raise_file_limit();
    size_t connections = files > CONNECTIONS + SPARE_FILES ? CONNECTIONS : files / 2;
    http_options_t options = {
        .host = config->host,
        .port = (int)config->port,
        .token = config->token,
        .routes = api_routes,
        .route_count = api_route_count,
        .body_bytes = {[ROUTE_BODY] = one, [ROUTE_BATCH] = batch_bytes(one)},
        .all_body_bytes = 4 * batch_bytes(one),
        .all_answer_bytes = ANSWER_BYTES_MAX,
        .connections = connections,
        .context = &app->api,
        .log = &app->daemon.log,
    };
    return http_server_open(daemon_loop(&app->daemon), &options, &app->http);
}

static err_t start(app_t *app)
{
    app->api.max_message_bytes = (size_t)app->config.max_message_bytes;
    err_t err = make_openapi(app);
    if (err == ERR_OK)
        err = open_store(app);
    if (err == ERR_OK)
        err = open_http(app);
    return err;
}

int main(int argc, char **argv)
{
    app_t app = {0};
    int status = config_read(argc, argv, &app.config);
    if (status >= 0)
        return status;
    daemon_hide_memory();
    status = EXIT_FAILURE;
    if (daemon_init(&app.daemon, "message-api", app.config.log_level, on_stop, &app) != ERR_OK)
        goto cleanup;
    err_t err = start(&app);
    if (err == ERR_OK) {
        log_info(&app.daemon.log, "started", "store=%s", store_kind(app.api.store));
        daemon_ready(&app.daemon, "host=%s port=%d", app.config.host, http_server_port(app.http));
    } else {
        log_error(&app.daemon.log, "start_failed", "why=%s", err_text(err));
        daemon_stop(&app.daemon, err == ERR_INVALID_SETTING ? EXIT_BAD_SETTINGS : EXIT_FAILURE);
    }
    status = daemon_run(&app.daemon);
    if (app.store_hangs) {
        /* Everybody was answered. The threads that wait for the database would not survive an orderly end. */
        log_warning(&app.daemon.log, "store_left", "status=%d", status);
        _exit(status);
    }
    daemon_close(&app.daemon);
cleanup:
    free(app.api.openapi);
    config_free(&app.config);
    return status;
}
