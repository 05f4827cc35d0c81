/* The components of the suite: one table of what each is, needs and is told. */
#ifndef P2P_COMPONENT_H
#define P2P_COMPONENT_H
#include "config.h"
#include "endpoint.h"
#include <stddef.h>

/* In the order in which they start. */
typedef enum {
    COMPONENT_API,
    COMPONENT_SERVER,
    COMPONENT_WEB,
    COMPONENT_THERMOMETER,
    COMPONENT_BOT,
    COMPONENT_COUNT,
    COMPONENT_NONE = COMPONENT_COUNT,
} component_id_t;

typedef struct {
    const char *name;      /* for people */
    const char *program;   /* beside the launcher */
    const char *log_name;  /* in logs/ */
    component_id_t needs;  /* must be ready first; COMPONENT_NONE */
    bool essential;        /* there is no suite without it */
    unsigned told, trusts; /* component.c */
} component_t;

enum { COMPONENT_MAX_ARGUMENTS = 10 };

typedef struct {
    char *items[COMPONENT_MAX_ARGUMENTS + 1]; /* argv: NULL at its end; owned */
    size_t count;
} component_arguments_t;

const component_t *component_get(component_id_t id);
/* Where each is to listen, as configured; port 0 for a free one. Those that listen nowhere: "" and 0. */
void component_endpoints(const launcher_config_t *config, endpoint_t out[COMPONENT_COUNT]);
/* How many others must be up first: 0 for the message API. */
int component_level(component_id_t id);
/* Why it isn't to be started, in words for people; NULL when it is. path: of its program. */
const char *component_obstacle(component_id_t id, const launcher_config_t *config, const char *path);

/* Its command line; endpoints are where the others listen now. */
void component_arguments(component_id_t id, const char *path, const endpoint_t endpoints[COMPONENT_COUNT],
                         component_arguments_t *out);
void component_arguments_free(component_arguments_t *arguments);
/* The environment of a process can be read in /proc as it was at the start: there the secrets are overwritten. They
 * stay in the environment that the components get. */
void component_hide_secrets(void);
/* The environment without the secrets that are not for it. free() the array; its strings belong to
 * environment. */
char **component_environment(component_id_t id, char *const *environment);

#endif
