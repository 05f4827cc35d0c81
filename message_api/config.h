/* The settings of p2p-message-api. */
#ifndef P2P_MESSAGE_API_CONFIG_H
#define P2P_MESSAGE_API_CONFIG_H
#include "../common/log.h"
#include "../common/settings.h"

enum { EXIT_BAD_SETTINGS = 2 };

typedef struct {
    char *host;
    int64_t port;
    char *database;
    char *mongo_url; /* "" = SQLite */
    int64_t max_message_bytes;
    int64_t mailbox_messages;
    int64_t mailbox_bytes;
    char *token; /* "" = none */
    char *log_level_name;
    log_level_t log_level;
} config_t;

/* Reads the settings. -1 to go on, else the exit status: 0 after --help, 2 after an error, which is on stderr. */
int config_read(int argc, char **argv, config_t *config);
/* Wipes and frees. */
void config_free(config_t *config);

#endif
