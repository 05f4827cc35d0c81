/* The launcher's settings: its flags, and what it must know of its components' settings (they read the rest
 * themselves, from the same environment and .env). */
#ifndef P2P_LAUNCHER_CONFIG_H
#define P2P_LAUNCHER_CONFIG_H
#include "../common/settings.h"

typedef struct {
    bool no_web, no_thermometer, no_openai;
    char *host; /* --host: for chat server and web page; "" = their own settings */
    char *api_host, *server_host, *web_host;
    int64_t api_port, server_port, web_port;
    char *database;
    char *mongo_url;   /* may hold a password: never printed */
    char *token;       /* P2P_SERVICE_TOKEN: only whether there is one */
    char *web_origins; /* asked of a web page that others can reach */
    char *openai_key;  /* only whether there is one */
    char *openai_url;  /* a model of one's own needs no key */
} launcher_config_t;

/* How the addresses of OpenAI's own API begin. */
#define OPENAI_ADDRESS "https://api.openai.com/"

/* The table above as settings.h wants it. */
const settings_t *launcher_settings(void);
/* Whether the settings fit together. ERR_INVALID_SETTING and a sentence on stderr when they don't. */
err_t launcher_config_check(launcher_config_t *config);

#endif
