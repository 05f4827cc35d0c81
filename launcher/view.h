/* What the launcher tells a person: the table, and what to do next. */
#ifndef P2P_LAUNCHER_VIEW_H
#define P2P_LAUNCHER_VIEW_H
#include "../common/buffer.h"
#include "store_watch.h"
#include "supervisor.h"

typedef struct {
    const launcher_config_t *config; /* not owned */
    const supervisor_t *supervisor;  /* not owned */
    const char *client;              /* how to call the terminal client, NULL = not built; not owned */
    store_state_t store;             /* as last heard */
    char *printed[COMPONENT_COUNT];  /* the plain lines printed last, owned */
    bool said_ready;                 /* view_lines has told that it is up */
} view_t;

void view_free(view_t *view);
/* The whole picture for a terminal of so many columns. */
void view_picture(view_t *view, buffer_t *out, size_t width, bool colour);
/* The lines that are new since the last call; once all is up, `ready host=… port=…` and what to do next. */
void view_lines(view_t *view, buffer_t *out);

#endif
