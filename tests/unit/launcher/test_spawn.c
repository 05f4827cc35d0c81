#include "launcher/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char *const environment[] = {"PATH=/usr/bin:/bin", "NAME=value", NULL};

/* All that comes until the end of the pipe. */
static void read_all(int descriptor, char *out, size_t size)
{
    size_t length = 0;
    ssize_t count;
    assert_int_equal(fcntl(descriptor, F_SETFL, 0), 0);
    while ((count = read(descriptor, out + length, size - 1 - length)) > 0)
        length += (size_t)count;
    out[length] = '\0';
    close(descriptor);
}

static int wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int spawn_shell(char *script, spawned_t *spawned)
{
    char shell[] = "sh", option[] = "-c";
    char *const arguments[] = {shell, option, script, NULL};
    return spawn("/bin/sh", arguments, environment, spawned);
}

static void test_its_two_outputs_come_apart(void **state)
{
    (void)state;
    char script[] = "echo out $NAME; echo err >&2; cat; exit 3";
    char output[64], errors[64];
    spawned_t spawned;
    assert_int_equal(spawn_shell(script, &spawned), 0);
    read_all(spawned.output, output, sizeof output);
    read_all(spawned.errors, errors, sizeof errors);
    assert_string_equal(output, "out value\n");
    assert_string_equal(errors, "err\n");
    assert_int_equal(WEXITSTATUS(wait_for(spawned.pid)), 3);
}

static void test_it_begins_with_default_signals_and_a_session_of_its_own(void **state)
{
    (void)state;
    char script[] = "kill -PIPE $$; echo alive";
    char output[64], errors[64];
    spawned_t spawned;
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
    assert_int_equal(spawn_shell(script, &spawned), 0);
    signal(SIGPIPE, handler);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_not_equal(getsid(0), spawned.pid);
    read_all(spawned.output, output, sizeof output);
    read_all(spawned.errors, errors, sizeof errors);
    int status = wait_for(spawned.pid);
    assert_string_equal(output, "");
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void test_what_cannot_be_run_is_an_error_of_the_call(void **state)
{
    (void)state;
    char name[] = "nothing";
    char *const arguments[] = {name, NULL};
    spawned_t spawned = {.pid = 42};
    assert_int_equal(spawn("/nowhere/nothing", arguments, environment, &spawned), ENOENT);
    assert_int_equal(spawn("/etc/passwd", arguments, environment, &spawned), EACCES);
    assert_int_equal(spawned.pid, 42);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left to wait for */
    assert_int_equal(errno, ECHILD);
}

/* A parent that spawns and is killed at once: the child must not live on. */
static void test_it_dies_with_its_parent(void **state)
{
    (void)state;
    int told[2];
    char script[] = "exec sleep 600";
    spawned_t spawned;
    pid_t child = 0;
    assert_int_equal(pipe(told), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* the orphan becomes ours */
    pid_t parent = fork();
    if (parent == 0) {
        if (spawn_shell(script, &spawned) != 0 ||
            write(told[1], &spawned.pid, sizeof spawned.pid) != sizeof spawned.pid)
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
    close(told[0]);
    close(told[1]);
    assert_int_equal(WTERMSIG(wait_for(parent)), SIGKILL);
    assert_int_equal(WTERMSIG(wait_for(child)), SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_two_outputs_come_apart),
        cmocka_unit_test(test_it_begins_with_default_signals_and_a_session_of_its_own),
        cmocka_unit_test(test_what_cannot_be_run_is_an_error_of_the_call),
        cmocka_unit_test(test_it_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
