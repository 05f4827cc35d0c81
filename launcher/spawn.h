/* Starts a program that cannot outlive this process: whatever ends the launcher, kill -9 too, the kernel sends
 * its children SIGTERM (PR_SET_PDEATHSIG; uv_spawn cannot do that). Call it from the main thread only: the
 * signal belongs to the death of the thread that forked. */
#ifndef P2P_SPAWN_H
#define P2P_SPAWN_H
#include <sys/types.h>

typedef struct {
    pid_t pid;
    int output,
        errors; /* read ends of its stdout and stderr, non-blocking, close-on-exec; owned by the caller */
} spawned_t;

/* 0 and *out, or an errno: of execve too. The child has a session of its own (a Ctrl-C at the terminal is not
 * for it), /dev/null as stdin, default signals. */
int spawn(const char *path, char *const *arguments, char *const *environment, spawned_t *out);

#endif
