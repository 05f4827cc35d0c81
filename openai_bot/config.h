/* The settings of p2p-openai-bot. */
#ifndef P2P_OPENAI_BOT_CONFIG_H
#define P2P_OPENAI_BOT_CONFIG_H
#include "common/log.h"
#include "common/settings.h"
#include "personalities.h"

typedef struct {
    char *server_host;
    int64_t server_port;
    char *username;
    char *model;
    char *base_url;
    char *key;
    char *personality_name;
    char *data;
    char *token;
    char *service_names;
    int64_t user_tokens, all_tokens; /* a day */
    int64_t answer_tokens;
    int64_t memory_tokens;
    double idle_s, timeout_s;
    char *log_level;

    /* Made of the above by config_read. */
    const personality_t *personality;
    bool is_openai; /* the base URL is the default one */
    log_level_t level;
} config_t;

/* Reads and checks; the exit status to end with, or -1 to go on. The secrets are taken out of the program's
 * environment. */
int config_read(int argc, char **argv, config_t *config);
void config_free(config_t *config); /* wipes the secrets */

#endif
