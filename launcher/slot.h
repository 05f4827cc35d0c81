/* One component's life under the supervisor: started, ready, died, started again, given up, stopped. */
#ifndef P2P_SLOT_H
#define P2P_SLOT_H
#include "child.h"
#include "component.h"
#include "launcher_log.h"
#include "restart_policy.h"
#include <uv.h>

typedef enum {
    STATE_OFF,        /* not to be started; the note says why */
    STATE_WAITING,    /* for what it needs */
    STATE_STARTING,   /* runs, is not ready */
    STATE_RUNNING,    /* ready */
    STATE_RESTARTING, /* died; will start again */
    STATE_FAILED,     /* died too often, or can never start */
    STATE_STOPPING,
    STATE_STOPPED,
} component_state_t;

/* Events come from the loop, never inside a call. */
typedef struct {
    void (*on_change)(void *context); /* the state, the note, or the log's error */
    void (*on_ready)(void *context);
    void (*on_stopped)(void *context); /* its process is gone after slot_stop */
    /* It is essential, and can never start; the sentence says why. */
    void (*on_hopeless)(void *context, const char *sentence);
} slot_events_t;

typedef struct {
    component_id_t id;
    uv_loop_t *loop;
    char *path;            /* of its program; owned by the slot */
    endpoint_t *endpoints; /* of all components, not owned; the slot writes its own when it is ready */
    int log_folder;        /* descriptor, not owned */
    launcher_log_t *launcher_log;
    slot_events_t events;
    void *context;
} slot_options_t;

enum { SLOT_NOTE_SIZE = 512 };

/* Members are for reading. */
typedef struct {
    slot_options_t options;
    const component_t *component;
    component_state_t state;
    char note[SLOT_NOTE_SIZE]; /* why it is not running; printable */
    ready_line_t ready;        /* what it said last */
    child_t *child;            /* NULL = no process */
    log_file_t log;
    restart_policy_t policy;
    uv_timer_t timer; /* until it must be ready, or until it starts again */
    uint64_t started_ms;
    bool was_ready, overdue, stopping;
} slot_t;

/* obstacle: why it isn't to be started, NULL = none; copied. */
void slot_init(slot_t *slot, const slot_options_t *options, const char *obstacle);
void slot_start(slot_t *slot);
/* It won't be started again. A process that runs goes on until slot_signal. */
void slot_stop(slot_t *slot);
void slot_signal(slot_t *slot, int number);
/* Closes the handle; not while it has a process. */
void slot_close(slot_t *slot);
/* Once the handle is closed. */
void slot_free(slot_t *slot);

#endif
