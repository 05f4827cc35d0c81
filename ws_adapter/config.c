#include "config.h"
#include "common/daemon.h"
#include <string.h>

static const setting_t table[] = {
    {"host", "P2P_WEB_HOST", SETTING_TEXT, offsetof(config_t, host), "127.0.0.1", 0, 0,
     "address to listen on; anything but loopback needs P2P_WEB_ORIGINS"},
    {"port", "P2P_WEB_PORT", SETTING_INTEGER, offsetof(config_t, port), "8080", 0, 65535,
     "port to listen on, 0 takes a free one"},
    {"server-host", "P2P_SERVER_HOST", SETTING_TEXT, offsetof(config_t, server_host), "127.0.0.1", 0, 0,
     "chat server"},
    {"server-port", "P2P_SERVER_PORT", SETTING_INTEGER, offsetof(config_t, server_port), "5000", 1, 65535,
     "its port"},
    {"servers", "P2P_WEB_SERVERS", SETTING_TEXT, offsetof(config_t, servers), "", 0, 0,
     "other chat servers that a browser may choose: host:port, separated by commas"},
    {"origins", "P2P_WEB_ORIGINS", SETTING_TEXT, offsetof(config_t, origins), "", 0, 0,
     "where else the page may come from, e.g. https://chat.example.org, separated by commas"},
    {"static", "P2P_STATIC", SETTING_TEXT, offsetof(config_t, static_folder), "static", 0, 0,
     "folder of the web page"},
    {"log-level", "P2P_LOG_LEVEL", SETTING_TEXT, offsetof(config_t, log_level), "info", 0, 0,
     "debug, info, warning or error"},
};

/* What is wrong with the settings, NULL when nothing is. */
static const char *check(void *context)
{
    config_t *config = context;

    if (!log_level_parse(config->log_level, &config->level))
        return "--log-level (P2P_LOG_LEVEL) is debug, info, warning or error";
    config->server_list = server_list_new(config->server_host, (int)config->server_port, config->servers);
    if (!config->server_list)
        return "--servers (P2P_WEB_SERVERS) is a list of host:port, separated by commas";
    config->origin_list = origin_list_new(config->origins);
    if (!config->origin_list)
        return "--origins (P2P_WEB_ORIGINS) is a list of http:// or https:// addresses without a path, "
               "separated by commas";
    if (!daemon_is_loopback(config->host) && config->origins[0] == '\0')
        return "--host (P2P_WEB_HOST) is not a loopback address: set P2P_WEB_ORIGINS to the address of the "
               "page, "
               "or any page that somebody visits could use the chat in their name";
    return NULL;
}

static const settings_t settings = {
    .program = "p2p-ws-adapter",
    .summary = "The web page and its way to the chat server.",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .check = check,
};

int config_read(int argc, char **argv, config_t *config)
{
    memset(config, 0, sizeof *config);
    int status = settings_or_exit_status(&settings, argc, argv, config);
    if (status >= 0)
        config_free(config); /* with the lists that the check had made */
    return status;
}

void config_free(config_t *config)
{
    server_list_free(config->server_list);
    origin_list_free(config->origin_list);
    settings_free(&settings, config);
}
