#include "config.h"
#include "common/settings.h"
#include <stddef.h>
#include <string.h>

static const setting_t TABLE[] = {
    {"server-host", "P2P_SERVER_HOST", SETTING_TEXT, offsetof(config_t, server_host), "127.0.0.1", 0, 0,
     "host of the chat server"},
    {"server-port", "P2P_SERVER_PORT", SETTING_INTEGER, offsetof(config_t, server_port), "5000", 1, 65535,
     "port of the chat server"},
    {"username", "P2P_THERMOMETER_USERNAME", SETTING_TEXT, offsetof(config_t, username), "thermometer1", 0, 0,
     "name to log in with; the subscribers are kept in DATA/NAME.json"},
    {"interval", "P2P_THERMOMETER_INTERVAL", SETTING_NUMBER, offsetof(config_t, interval_s), "100", 0.05,
     86400, "seconds between two readings"},
    {"sensor", "P2P_THERMOMETER_SENSOR", SETTING_TEXT, offsetof(config_t, sensor), "auto", 0, 0,
     "auto: the machine's own sensor, simulated when there is none; simulated; or the path of a file that "
     "holds thousandths of a degree Celsius"},
    {"seed", NULL, SETTING_INTEGER, offsetof(config_t, seed), "1", 0, 1e15, "of the simulated room"},
    {"data", "P2P_DATA", SETTING_TEXT, offsetof(config_t, data), "data", 0, 0, "folder of the subscribers"},
    {NULL, "P2P_SERVICE_TOKEN", SETTING_SECRET, offsetof(config_t, token), "", 0, 0,
     "token of a service's name"},
    {NULL, "P2P_SERVICE_NAMES", SETTING_TEXT, offsetof(config_t, service_names), "thermometer1,openai", 0, 0,
     "names of other services: they are not answered"},
    {"log-level", "P2P_LOG_LEVEL", SETTING_TEXT, offsetof(config_t, log_level), "info", 0, 0,
     "debug, info, warning or error"},
};

/* What is wrong with the settings, NULL when nothing is. */
static const char *check(void *context)
{
    config_t *config = context;

    if (username_normalise(config->username, strlen(config->username), config->name) != ERR_OK)
        return "--username (P2P_THERMOMETER_USERNAME) is 1 to 32 letters, digits, _, - or ., and no reserved "
               "name";
    if (!log_level_parse(config->log_level, &config->level))
        return "--log-level (P2P_LOG_LEVEL) is debug, info, warning or error";
    return NULL;
}

static const settings_t SETTINGS = {
    .program = "p2p-thermometer",
    .summary = "A device that people subscribe to: it sends them the temperature.",
    .table = TABLE,
    .count = sizeof TABLE / sizeof TABLE[0],
    .check = check,
};

int config_read(int argc, char **argv, config_t *config)
{
    return settings_or_exit_status(&SETTINGS, argc, argv, config);
}

void config_free(config_t *config)
{
    settings_free(&SETTINGS, config);
}
