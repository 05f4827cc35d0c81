#include "config.h"
#include "../common/alloc.h"
#include "../common/daemon.h"
#include <stdlib.h>
#include <string.h>

#define OFFSET(member) offsetof(launcher_config_t, member)

static const setting_t table[] = {
    {"no-web", "P2P_NO_WEB", SETTING_FLAG, OFFSET(no_web), "false", 0, 0, "don't start the web page"},
    {"no-thermometer", "P2P_NO_THERMOMETER", SETTING_FLAG, OFFSET(no_thermometer), "false", 0, 0,
     "don't start the thermometer"},
    {"no-openai", "P2P_NO_OPENAI", SETTING_FLAG, OFFSET(no_openai), "false", 0, 0,
     "don't start the OpenAI bot"},
    {"host", NULL, SETTING_TEXT, OFFSET(host), "", 0, 0,
     "address that the chat server and the web page listen on (default: their own settings)"},
    {"server-port", "P2P_SERVER_PORT", SETTING_INTEGER, OFFSET(server_port), "5000", 0, 65535,
     "port of the chat server, 0 takes a free one"},
    {"api-port", "P2P_API_PORT", SETTING_INTEGER, OFFSET(api_port), "8000", 0, 65535,
     "port of the message API, 0 takes a free one"},
    {"web-port", "P2P_WEB_PORT", SETTING_INTEGER, OFFSET(web_port), "8080", 0, 65535,
     "port of the web page, 0 takes a free one"},
    {NULL, "P2P_SERVER_HOST", SETTING_TEXT, OFFSET(server_host), "127.0.0.1", 0, 0,
     "address that the chat server listens on"},
    {NULL, "P2P_API_HOST", SETTING_TEXT, OFFSET(api_host), "127.0.0.1", 0, 0,
     "address that the message API listens on"},
    {NULL, "P2P_WEB_HOST", SETTING_TEXT, OFFSET(web_host), "127.0.0.1", 0, 0,
     "address that the web page listens on"},
    {NULL, "P2P_DATABASE", SETTING_TEXT, OFFSET(database), "data/messages.db", 0, 0,
     "where messages are kept without MongoDB"},
    {NULL, "MONGO_URL", SETTING_SECRET, OFFSET(mongo_url), "", 0, 0, "MongoDB that keeps the messages"},
    {NULL, "P2P_SERVICE_TOKEN", SETTING_SECRET, OFFSET(token), "", 0, 0,
     "asked of services and of calls to the message API"},
    {NULL, "P2P_WEB_ORIGINS", SETTING_TEXT, OFFSET(web_origins), "", 0, 0,
     "origins that a web page from elsewhere may have"},
    {NULL, "OPENAI_API_KEY", SETTING_SECRET, OFFSET(openai_key), "", 0, 0,
     "without it the OpenAI bot is not started, unless OPENAI_BASE_URL is set"},
    {NULL, "OPENAI_BASE_URL", SETTING_TEXT, OFFSET(openai_url), OPENAI_ADDRESS "v1", 0, 0,
     "API that the OpenAI bot asks; any but OpenAI's may do without a key"},
};

static const settings_t settings = {
    .program = "p2p-launcher",
    .summary = "Starts the chat suite, watches it, and stops it. Logs are written to logs/.",
    .table = table,
    .count = sizeof table / sizeof *table,
};

const settings_t *launcher_settings(void)
{
    return &settings;
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = alloc_string(by);
}

typedef struct {
    const char *name;
    const char *host_setting;
    const char *host;
    int64_t port;
    const char *guard; /* the setting without which it must stay on loopback */
    bool guarded, used;
} listener_t;

static err_t check_guard(const listener_t *listener)
{
    if (!listener->used || listener->guarded || daemon_is_loopback(listener->host))
        return ERR_OK;
    fprintf(stderr,
            "p2p-launcher: the %s would be open to others at %s: set %s too (see README.md), or keep %s at "
            "127.0.0.1\n",
            listener->name, listener->host, listener->guard, listener->host_setting);
    return ERR_INVALID_SETTING;
}

static err_t check_ports(const listener_t *a, const listener_t *b)
{
    if (!a->used || !b->used || a->port == 0 || a->port != b->port || strcmp(a->host, b->host) != 0)
        return ERR_OK;
    fprintf(stderr, "p2p-launcher: the %s and the %s cannot both have port %lld\n", a->name, b->name,
            (long long)a->port);
    return ERR_INVALID_SETTING;
}

err_t launcher_config_check(launcher_config_t *config)
{
    if (*config->host != '\0') {
        replace(&config->server_host, config->host);
        replace(&config->web_host, config->host);
    }
    bool token = *config->token != '\0', origins = *config->web_origins != '\0';
    const listener_t listeners[] = {
        {"message API", "P2P_API_HOST", config->api_host, config->api_port, "P2P_SERVICE_TOKEN", token, true},
        {"chat server", "P2P_SERVER_HOST", config->server_host, config->server_port, "P2P_SERVICE_TOKEN",
         token, true},
        {"web page", "P2P_WEB_HOST", config->web_host, config->web_port, "P2P_WEB_ORIGINS", origins,
         !config->no_web},
    };
    const size_t count = sizeof listeners / sizeof *listeners;
    for (size_t i = 0; i < count; i++) {
        if (check_guard(&listeners[i]) != ERR_OK)
            return ERR_INVALID_SETTING;
        for (size_t j = 0; j < i; j++) {
            if (check_ports(&listeners[j], &listeners[i]) != ERR_OK)
                return ERR_INVALID_SETTING;
        }
    }
    return ERR_OK;
}
