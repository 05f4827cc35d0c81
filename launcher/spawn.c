#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_END, WRITE_END };

typedef struct {
    int output[2], errors[2];
    int failure[2]; /* closed by a successful execve, else its errno comes through */
} pipes_t;

typedef struct {
    const char *path;
    char *const *arguments, *const *environment;
    pid_t parent;
} plan_t;

static void close_both(int ends[2])
{
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        ends[i] = -1;
    }
}

static void close_pipes(pipes_t *pipes)
{
    close_both(pipes->output);
    close_both(pipes->errors);
    close_both(pipes->failure);
}

static int open_pipes(pipes_t *pipes)
{
    *pipes = (pipes_t){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->output, O_CLOEXEC) == 0 && pipe2(pipes->errors, O_CLOEXEC) == 0 &&
        pipe2(pipes->failure, O_CLOEXEC) == 0 && fcntl(pipes->output[READ_END], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(pipes->errors[READ_END], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    int why = errno;
    close_pipes(pipes);
    return why;
}

static void default_signals(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* fails for SIGKILL and the like */
}

/* Between fork and execve: only calls that are safe there. */
static void child_run(const plan_t *plan, const pipes_t *pipes)
{
    sigset_t none;
    int nothing;

    default_signals();
    setsid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return;
    /* Died before the prctl: the signal will never come. */
    if (getppid() != plan->parent) {
        errno = ECHILD;
        return;
    }
    nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
        return;
    if (nothing > STDERR_FILENO)
        close(nothing);
    if (dup2(pipes->output[WRITE_END], STDOUT_FILENO) < 0 ||
        dup2(pipes->errors[WRITE_END], STDERR_FILENO) < 0)
        return;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        return;
    execve(plan->path, plan->arguments, plan->environment);
}

/* 0 when the program runs, else why it doesn't. */
static int wait_for_exec(int failure)
{
    int why = 0;
    ssize_t count;
    do
        count = read(failure, &why, sizeof why);
    while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof why ? why : 0;
}

int spawn(const char *path, char *const *arguments, char *const *environment, spawned_t *out)
{
    plan_t plan = {path, arguments, environment, getpid()};
    sigset_t all, before;
    pipes_t pipes;
    int why = open_pipes(&pipes);
    if (why != 0)
        return why;

    /* No handler of ours may run in the child. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        child_run(&plan, &pipes);
        why = errno;
        while (write(pipes.failure[WRITE_END], &why, sizeof why) < 0 && errno == EINTR)
            ;
        _exit(127);
    }
    why = pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why != 0)
        goto cleanup;

    close(pipes.failure[WRITE_END]);
    pipes.failure[WRITE_END] = -1;
    why = wait_for_exec(pipes.failure[READ_END]);
    if (why != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        goto cleanup;
    }
    *out = (spawned_t){pid, pipes.output[READ_END], pipes.errors[READ_END]};
    pipes.output[READ_END] = pipes.errors[READ_END] = -1;

cleanup:
    close_pipes(&pipes);
    return why;
}
