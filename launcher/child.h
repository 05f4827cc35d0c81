/* One running component: its process, its two pipes, its log, its ready line. */
#ifndef P2P_CHILD_H
#define P2P_CHILD_H
#include "log_file.h"
#include "ready_line.h"
#include <uv.h>

typedef struct child child_t;

typedef struct {
    int status;            /* exit status; -1 when a signal ended it */
    int signal;            /* 0 = none */
    const char *last_line; /* of its stderr, else of its stdout; printable; "" = it said nothing */
} child_end_t;

typedef struct {
    void (*on_ready)(void *context, const ready_line_t *ready); /* once, or never */
    void (*on_log)(void *context);                              /* log->error has come or gone */
    /* It is gone and all it said is in the log; the last event, the pointer is dead. */
    void (*on_ended)(void *context, const child_end_t *end);
} child_events_t;

typedef struct {
    const char *path;
    char *const *arguments;
    char *const *environment; /* the three are used during the call only */
    log_file_t *log;          /* not owned, outlives the child */
} child_options_t;

/* 0 and *out, or an errno: then there is no child and no event. Events come from the loop, never inside the
 * call. */
int child_start(uv_loop_t *loop, const child_options_t *options, const child_events_t *events, void *context,
                child_t **out);
int child_pid(const child_t *child);
void child_signal(child_t *child, int number);
/* To be called on SIGCHLD; the child may be gone after it. */
void child_reap(child_t *child);

#endif
