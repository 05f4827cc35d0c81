#include "config.h"
#include "../common/daemon.h"
#include "../common/http_url.h"
#include <string.h>

/* A frame with a message of this size is still well below what a session may hold back (limits.h). */
enum { LARGEST_MESSAGE = 256 * 1024 };

static const setting_t table[] = {
    {"host", "P2P_SERVER_HOST", SETTING_TEXT, offsetof(config_t, host), "127.0.0.1", 0, 0,
     "address to listen on; anything but loopback needs P2P_SERVICE_TOKEN"},
    {"port", "P2P_SERVER_PORT", SETTING_INTEGER, offsetof(config_t, port), "5000", 0, 65535,
     "port to listen on, 0 takes a free one"},
    {"api-base", "P2P_API_BASE", SETTING_TEXT, offsetof(config_t, api_base), "http://127.0.0.1:8000", 0, 0,
     "address of the message API"},
    {"delivery", "P2P_DELIVERY", SETTING_TEXT, offsetof(config_t, delivery), "durable", 0, 0,
     "durable: every message is stored; direct: between two online users it stays in memory"},
    {"rate-limit", "P2P_RATE_LIMIT", SETTING_INTEGER, offsetof(config_t, rate_limit), "200", 0, 1000000,
     "messages a second from one session, burst twice that, 0 = no limit"},
    {"max-message-bytes", "P2P_MAX_MESSAGE_BYTES", SETTING_INTEGER, offsetof(config_t, max_message_bytes),
     "16384", 1, LARGEST_MESSAGE, "bytes of one message's text"},
    {NULL, "P2P_SERVICE_TOKEN", SETTING_SECRET, offsetof(config_t, token), "", 0, 0,
     "secret that services and the message API are asked for"},
    {NULL, "P2P_SERVICE_NAMES", SETTING_TEXT, offsetof(config_t, service_names), "thermometer1,openai", 0, 0,
     "usernames that need the secret, when there is one"},
    {"log-level", "P2P_LOG_LEVEL", SETTING_TEXT, offsetof(config_t, log_level), "info", 0, 0,
     "debug, info, warning or error"},
};

/* What is wrong with the settings, NULL when nothing is. */
static const char *check(void *context)
{
    config_t *config = context;

    config->direct = strcmp(config->delivery, "direct") == 0;
    if (!config->direct && strcmp(config->delivery, "durable") != 0)
        return "--delivery (P2P_DELIVERY) is durable or direct";
    if (!log_level_parse(config->log_level, &config->level))
        return "--log-level (P2P_LOG_LEVEL) is debug, info, warning or error";
    if (!http_url_is_base(config->api_base))
        return "--api-base (P2P_API_BASE) is an http:// or https:// address";
    if (!daemon_is_loopback(config->host) && config->token[0] == '\0')
        return "--host (P2P_SERVER_HOST) is not a loopback address: set P2P_SERVICE_TOKEN, "
               "or anybody could log in as a service";
    return NULL;
}

static const settings_t settings = {
    .program = "p2p-server",
    .summary = "The chat server: people and programs connect to it over TCP.",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .check = check,
};

int config_read(int argc, char **argv, config_t *config)
{
    memset(config, 0, sizeof *config);
    return settings_or_exit_status(&settings, argc, argv, config);
}

void config_free(config_t *config)
{
    settings_free(&settings, config);
}
