/* The thermometer's settings. */
#ifndef P2P_THERMOMETER_CONFIG_H
#define P2P_THERMOMETER_CONFIG_H
#include "common/log.h"
#include "common/username.h"
#include <stdint.h>

typedef struct {
    char *server_host;
    int64_t server_port;
    char *username, *token, *service_names;
    double interval_s;
    char *sensor;
    int64_t seed;
    char *data;
    char *log_level;
    /* Made of these: */
    log_level_t level;
    char name[USERNAME_SIZE]; /* normalised */
} config_t;

/* The exit status to end with, or -1 to go on. config is zeroed by the caller and freed in any case. */
int config_read(int argc, char **argv, config_t *config);
void config_free(config_t *config);

#endif
