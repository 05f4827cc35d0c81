#include "config.h"
#include "common/settings.h"
#include <stddef.h>

static const setting_t table[] = {
    {"username", "P2P_USERNAME", SETTING_TEXT, offsetof(config_t, username), "", 0, 0,
     "name to log in with; a terminal asks for it"},
    {"server-host", "P2P_SERVER_HOST", SETTING_TEXT, offsetof(config_t, host), "127.0.0.1", 0, 0,
     "host of the chat server"},
    {"server-port", "P2P_SERVER_PORT", SETTING_INTEGER, offsetof(config_t, port), "5000", 1, 65535,
     "port of the chat server"},
    {"json", NULL, SETTING_FLAG, offsetof(config_t, json), "off", 0, 0,
     "write one JSON object a line for every message, receipt and event"},
    {"follow", NULL, SETTING_FLAG, offsetof(config_t, follow), "off", 0, 0,
     "go on printing what arrives after the end of the input"},
    {"wait", NULL, SETTING_INTEGER, offsetof(config_t, wait_s), "10", 0, 86400,
     "seconds without any progress to wait for receipts before leaving"},
    {NULL, "P2P_SERVICE_TOKEN", SETTING_SECRET, offsetof(config_t, token), "", 0, 0,
     "token of a service's name"},
};

static const settings_t settings = {
    .program = "p2p-client",
    .summary =
        "Terminal client of the chat. Type `bob: hello` to send, !help for more.\n"
        "\n"
        "When its input is not a terminal it is a filter: it sends the lines that it reads, prints what "
        "arrives,\n"
        "waits for the receipts of what it sent, and ends. Exit status:\n"
        "  0  everything sent is stored or delivered\n"
        "  1  something was refused or not acknowledged, or the output could not be written\n"
        "  2  a setting is wrong\n"
        "  3  cannot connect, or the login was refused",
    .table = table,
    .count = sizeof table / sizeof *table,
};

int config_read(int argc, char **argv, config_t *config)
{
    return settings_or_exit_status(&settings, argc, argv, config);
}

void config_free(config_t *config)
{
    settings_free(&settings, config);
}
