#include "component.h"
#include "../common/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What it is told on its command line. */
enum {
    TOLD_LISTEN = 1 << 0, /* --host --port */
    TOLD_API = 1 << 1,    /* --api-base */
    TOLD_SERVER = 1 << 2, /* --server-host --server-port */
};

/* Which secrets stay in its environment. */
enum {
    TRUSTS_TOKEN = 1 << 0,
    TRUSTS_MONGO = 1 << 1,
    TRUSTS_OPENAI = 1 << 2,
};

static const struct {
    const char *name;
    unsigned trust;
} secrets[] = {
    {"P2P_SERVICE_TOKEN", TRUSTS_TOKEN},
    {"MONGO_URL", TRUSTS_MONGO},
    {"OPENAI_API_KEY", TRUSTS_OPENAI},
};

static const component_t components[COMPONENT_COUNT] = {
    [COMPONENT_API] = {"message API", "p2p-message-api", "message_api.log", COMPONENT_NONE, true, TOLD_LISTEN,
                       TRUSTS_TOKEN | TRUSTS_MONGO},
    [COMPONENT_SERVER] = {"chat server", "p2p-server", "server.log", COMPONENT_API, true,
                          TOLD_LISTEN | TOLD_API, TRUSTS_TOKEN},
    [COMPONENT_WEB] = {"web page", "p2p-ws-adapter", "ws_adapter.log", COMPONENT_SERVER, false,
                       TOLD_LISTEN | TOLD_SERVER, 0},
    [COMPONENT_THERMOMETER] = {"thermometer", "p2p-thermometer", "thermometer.log", COMPONENT_SERVER, false,
                               TOLD_SERVER, TRUSTS_TOKEN},
    [COMPONENT_BOT] = {"OpenAI bot", "p2p-openai-bot", "openai_bot.log", COMPONENT_SERVER, false, TOLD_SERVER,
                       TRUSTS_TOKEN | TRUSTS_OPENAI},
};

const component_t *component_get(component_id_t id)
{
    return &components[id];
}

void component_endpoints(const launcher_config_t *config, endpoint_t out[COMPONENT_COUNT])
{
    memset(out, 0, sizeof *out * COMPONENT_COUNT);
    endpoint_set(&out[COMPONENT_API], config->api_host, (int)config->api_port);
    endpoint_set(&out[COMPONENT_SERVER], config->server_host, (int)config->server_port);
    endpoint_set(&out[COMPONENT_WEB], config->web_host, (int)config->web_port);
}

int component_level(component_id_t id)
{
    int level = 0;
    for (component_id_t need = components[id].needs; need != COMPONENT_NONE; need = components[need].needs)
        level++;
    return level;
}

const char *component_obstacle(component_id_t id, const launcher_config_t *config, const char *path)
{
    if (id == COMPONENT_WEB && config->no_web)
        return "disabled by --no-web";
    if (id == COMPONENT_THERMOMETER && config->no_thermometer)
        return "disabled by --no-thermometer";
    if (id == COMPONENT_BOT && config->no_openai)
        return "disabled by --no-openai";
    if (access(path, X_OK) != 0)
        return "not built";
    if (id == COMPONENT_BOT && *config->openai_key == '\0' &&
        strncmp(config->openai_url, OPENAI_ADDRESS, strlen(OPENAI_ADDRESS)) == 0)
        return "no OPENAI_API_KEY: write OPENAI_API_KEY=… to .env";
    return NULL;
}

static void add(component_arguments_t *arguments, char *text)
{
    arguments->items[arguments->count++] = text;
}

static void add_endpoint(component_arguments_t *arguments, const char *prefix, const char *host, int port)
{
    add(arguments, alloc_format("--%shost", prefix));
    add(arguments, alloc_string(host));
    add(arguments, alloc_format("--%sport", prefix));
    add(arguments, alloc_format("%d", port));
}

void component_arguments(component_id_t id, const char *path, const endpoint_t endpoints[COMPONENT_COUNT],
                         component_arguments_t *out)
{
    const endpoint_t *own = &endpoints[id], *server = &endpoints[COMPONENT_SERVER];
    unsigned told = components[id].told;
    char url[ENDPOINT_TEXT_SIZE];

    *out = (component_arguments_t){0};
    add(out, alloc_string(path));
    if (told & TOLD_LISTEN)
        add_endpoint(out, "", own->host, own->port);
    if (told & TOLD_SERVER)
        add_endpoint(out, "server-", endpoint_connect_host(server), server->port);
    if (told & TOLD_API) {
        endpoint_format_url(&endpoints[COMPONENT_API], url);
        add(out, alloc_string("--api-base"));
        add(out, alloc_string(url));
    }
}

void component_arguments_free(component_arguments_t *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        free(arguments->items[i]);
    *arguments = (component_arguments_t){0};
}

void component_hide_secrets(void)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        char *value = getenv(secrets[i].name);
        if (value == NULL)
            continue;
        char *copy = alloc_string(value);
        setenv(secrets[i].name, copy, true);
        explicit_bzero(value, strlen(value));
        explicit_bzero(copy, strlen(copy));
        free(copy);
    }
}

static bool is_for(component_id_t id, const char *variable)
{
    size_t length = strcspn(variable, "=");
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (strlen(secrets[i].name) == length && strncmp(secrets[i].name, variable, length) == 0)
            return (components[id].trusts & secrets[i].trust) != 0;
    }
    return true;
}

char **component_environment(component_id_t id, char *const *environment)
{
    size_t count = 0, kept = 0;
    while (environment[count] != NULL)
        count++;
    char **filtered = alloc_zero(count + 1, sizeof *filtered);
    for (size_t i = 0; i < count; i++) {
        if (is_for(id, environment[i]))
            filtered[kept++] = environment[i];
    }
    return filtered;
}
