#include "config.h"
#include "../common/daemon.h"
#include "../common/message.h"
#include <string.h>

static const setting_t table[] = {
    {"host", "P2P_API_HOST", SETTING_TEXT, offsetof(config_t, host), "127.0.0.1", 0, 0,
     "address to listen on"},
    {"port", "P2P_API_PORT", SETTING_INTEGER, offsetof(config_t, port), "8000", 0, 65535,
     "port, 0 takes a free one"},
    {"database", "P2P_DATABASE", SETTING_TEXT, offsetof(config_t, database), "data/messages.db", 0, 0,
     "SQLite file, used when there is no MongoDB"},
    {"mongo-url", "MONGO_URL", SETTING_SECRET, offsetof(config_t, mongo_url), "", 0, 0,
     "MongoDB, e.g. mongodb://127.0.0.1:27017"},
    {NULL, "P2P_MAX_MESSAGE_BYTES", SETTING_INTEGER, offsetof(config_t, max_message_bytes), "16384", 1,
     1048576, "bytes of text in a message"},
    {NULL, "P2P_MAILBOX_MESSAGES", SETTING_INTEGER, offsetof(config_t, mailbox_messages), "10000", 1,
     10000000, "messages that wait in one mailbox"},
    {NULL, "P2P_MAILBOX_BYTES", SETTING_INTEGER, offsetof(config_t, mailbox_bytes), "16777216", 1, 1e12,
     "bytes of messages that wait in one mailbox"},
    {NULL, "P2P_SERVICE_TOKEN", SETTING_SECRET, offsetof(config_t, token), "", 0, 0,
     "asked of every call but /health and /openapi.json"},
    {"log-level", "P2P_LOG_LEVEL", SETTING_TEXT, offsetof(config_t, log_level_name), "info", 0, 0,
     "debug, info, warning or error"},
};

/* What is wrong with the settings, NULL when nothing is. */
static const char *check(void *context)
{
    config_t *config = context;

    if (!log_level_parse(config->log_level_name, &config->log_level))
        return "--log-level (P2P_LOG_LEVEL) is debug, info, warning or error";
    if (config->token[0] == '\0' && !daemon_is_loopback(config->host))
        return "everybody can reach this --host (P2P_API_HOST): set P2P_SERVICE_TOKEN";
    return NULL;
}

static const settings_t settings = {
    .program = "p2p-message-api",
    .summary = "HTTP API that keeps the messages of people who are away, on SQLite or MongoDB",
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
