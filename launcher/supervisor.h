/* All components: starts each when what it needs is ready, and stops them in reverse order. */
#ifndef P2P_SUPERVISOR_H
#define P2P_SUPERVISOR_H
#include "slot.h"

typedef struct supervisor supervisor_t;

typedef struct {
    void (*on_change)(void *context); /* of any component */
    /* An essential component can never start; the sentence says why. Call supervisor_stop. */
    void (*on_hopeless)(void *context, const char *sentence);
    void (*on_stopped)(void *context); /* nothing runs any more, the handles are closing; the last event */
} supervisor_events_t;

typedef struct {
    const launcher_config_t *config; /* not owned */
    const char *programs;            /* folder of the programs; used during the call only */
    int log_folder;                  /* descriptor, not owned */
    launcher_log_t *log;             /* not owned */
} supervisor_options_t;

/* Events come from the loop, but for on_stopped when nothing ran. Call from the main thread. */
supervisor_t *supervisor_new(uv_loop_t *loop, const supervisor_options_t *options,
                             const supervisor_events_t *events, void *context);
void supervisor_start(supervisor_t *supervisor);
/* SIGTERM in reverse order, each level once the one above is gone, SIGKILL for what stays: within 4.3 s. */
void supervisor_stop(supervisor_t *supervisor);
/* Once the loop has ended. Accepts NULL. */
void supervisor_free(supervisor_t *supervisor);

const slot_t *supervisor_slot(const supervisor_t *supervisor, component_id_t id);
/* Where it listens; host "" = nowhere. */
const endpoint_t *supervisor_endpoint(const supervisor_t *supervisor, component_id_t id);
/* The chat server runs, and every other component has come up or has failed to. */
bool supervisor_is_settled(const supervisor_t *supervisor);

#endif
