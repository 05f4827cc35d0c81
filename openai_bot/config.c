#include "config.h"
#include "common/http_url.h"
#include <stdlib.h>
#include <string.h>

#define OFFSET(member) offsetof(config_t, member)
#define OPENAI_URL     "https://api.openai.com/v1"

static const double MOST_TOKENS = 1e12;

static const setting_t table[] = {
    {"server-host", "P2P_SERVER_HOST", SETTING_TEXT, OFFSET(server_host), "127.0.0.1", 0, 0,
     "address of the chat server"},
    {"server-port", "P2P_SERVER_PORT", SETTING_INTEGER, OFFSET(server_port), "5000", 1, 65535,
     "port of the chat server"},
    {"username", "P2P_OPENAI_USERNAME", SETTING_TEXT, OFFSET(username), "openai", 0, 0,
     "name to log in with"},
    {"model", "OPENAI_MODEL", SETTING_TEXT, OFFSET(model), "gpt-4o", 0, 0, "model to ask"},
    {"base-url", "OPENAI_BASE_URL", SETTING_TEXT, OFFSET(base_url), OPENAI_URL, 0, 0,
     "any API that speaks OpenAI's chat completions"},
    {NULL, "OPENAI_API_KEY", SETTING_SECRET, OFFSET(key), "", 0, 0,
     "key of the API; needed unless OPENAI_BASE_URL is set"},
    {"personality", "P2P_OPENAI_PERSONALITY", SETTING_TEXT, OFFSET(personality_name), "happy", 0, 0,
     "happy, angry or spanish: for users who have chosen none"},
    {NULL, "P2P_OPENAI_USER_TOKENS_PER_DAY", SETTING_INTEGER, OFFSET(user_tokens), "100000", 0, MOST_TOKENS,
     "tokens that one user may use in a day (UTC), 0 = no limit"},
    {NULL, "P2P_OPENAI_TOKENS_PER_DAY", SETTING_INTEGER, OFFSET(all_tokens), "1000000", 0, MOST_TOKENS,
     "tokens that all users together may use in a day (UTC), 0 = no limit"},
    {NULL, "P2P_OPENAI_ANSWER_TOKENS", SETTING_INTEGER, OFFSET(answer_tokens), "1024", 16, 100000,
     "tokens of one answer at most"},
    {NULL, "P2P_OPENAI_MEMORY_TOKENS", SETTING_INTEGER, OFFSET(memory_tokens), "4000", 0, 100000,
     "tokens of a conversation that the model is told of again"},
    {NULL, "P2P_OPENAI_IDLE", SETTING_NUMBER, OFFSET(idle_s), "30", 0.1, 600,
     "seconds of silence after which the model is given up"},
    {NULL, "P2P_OPENAI_TIMEOUT", SETTING_NUMBER, OFFSET(timeout_s), "120", 1, 3600,
     "seconds that one answer may take with all tries"},
    {"data", "P2P_DATA", SETTING_TEXT, OFFSET(data), "data", 0, 0, "folder for what must survive a restart"},
    {NULL, "P2P_SERVICE_TOKEN", SETTING_SECRET, OFFSET(token), "", 0, 0,
     "secret that the chat server asks services for"},
    {NULL, "P2P_SERVICE_NAMES", SETTING_TEXT, OFFSET(service_names), "thermometer1,openai", 0, 0,
     "usernames of services, which are not answered"},
    {"log-level", "P2P_LOG_LEVEL", SETTING_TEXT, OFFSET(log_level), "info", 0, 0,
     "debug, info, warning or error"},
};

/* Visible ASCII: anything else is no key, and would not fit into a header. */
static bool is_key(const char *key)
{
    for (; *key != '\0'; key++)
        if (*key <= ' ' || *key > '~')
            return false;
    return true;
}

static bool is_openai(const char *url)
{
    size_t length = strlen(OPENAI_URL);

    return strncmp(url, OPENAI_URL, length) == 0 && url[length + strspn(url + length, "/")] == '\0';
}

/* What is wrong with the settings, NULL when nothing is. */
static const char *check(void *context)
{
    config_t *config = context;

    config->is_openai = is_openai(config->base_url);
    config->personality = personalities_find(config->personality_name, strlen(config->personality_name));
    if (!log_level_parse(config->log_level, &config->level))
        return "--log-level (P2P_LOG_LEVEL) is debug, info, warning or error";
    if (!http_url_is_base(config->base_url))
        return "--base-url (OPENAI_BASE_URL) is an http:// or https:// address without a name or a query in "
               "it";
    if (!is_key(config->key))
        return "OPENAI_API_KEY holds characters that are in no key";
    if (config->personality == NULL)
        return "--personality (P2P_OPENAI_PERSONALITY) is happy, angry or spanish";
    if (config->is_openai && config->key[0] == '\0')
        return "no OPENAI_API_KEY: write OPENAI_API_KEY=… to .env, or set OPENAI_BASE_URL to a model of your "
               "own";
    return NULL;
}

static const settings_t settings = {
    .program = "p2p-openai-bot",
    .summary = "An assistant in the chat that asks a model with an OpenAI-compatible API.",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .check = check,
};

/* The environment of a process can be read in /proc as it was at the start: so the bytes are overwritten. */
static void wipe_environment(void)
{
    for (size_t i = 0; i < settings.count; i++) {
        char *value = table[i].kind == SETTING_SECRET ? getenv(table[i].environment) : NULL;
        if (value == NULL)
            continue;
        explicit_bzero(value, strlen(value));
        unsetenv(table[i].environment);
    }
}

int config_read(int argc, char **argv, config_t *config)
{
    memset(config, 0, sizeof *config);
    int status = settings_or_exit_status(&settings, argc, argv, config);
    wipe_environment();
    return status;
}

void config_free(config_t *config)
{
    settings_free(&settings, config);
}
