#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/daemon.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    daemon_t daemon;
    uv_timer_t work; /* keeps the loop alive until on_stop */
    int stops;
    bool deaf; /* on_stop closes nothing */
} program_t;

static void on_stop(void *context)
{
    program_t *program = context;
    program->stops++;
    if (!program->deaf)
        uv_close((uv_handle_t *)&program->work, NULL);
}

static void on_work(uv_timer_t *timer)
{
    (void)timer;
    abort(); /* nobody waits that long */
}

static void start(program_t *program)
{
    *program = (program_t){0};
    assert_int_equal(daemon_init(&program->daemon, "tester", LOG_ERROR, on_stop, program), ERR_OK);
    uv_timer_init(daemon_loop(&program->daemon), &program->work);
    uv_timer_start(&program->work, on_work, 60000, 0);
}

static void on_first(uv_timer_t *timer)
{
    (void)timer;
    raise(SIGTERM);
    raise(SIGINT); /* from a terminal and from the launcher, say */
}

static void test_signals_stop_it(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        program_t program;
        start(&program);
        raise(signals[i]);
        assert_int_equal(program.stops, 0);
        assert_int_equal(daemon_run(&program.daemon), 0);
        assert_int_equal(program.stops, 1);
        raise(SIGTERM); /* late: not the end of a clean end */
        daemon_close(&program.daemon);
        raise(SIGTERM);
        raise(SIGINT);
    }
    program_t program;
    uv_timer_t first;
    start(&program);
    uv_timer_init(daemon_loop(&program.daemon), &first);
    uv_timer_start(&first, on_first, 1, 0);
    assert_int_equal(daemon_run(&program.daemon), 0);
    assert_int_equal(program.stops, 1);
    uv_close((uv_handle_t *)&first, NULL);
    daemon_close(&program.daemon);
}

static void test_stop_with_a_status(void **state)
{
    (void)state;
    program_t program;
    start(&program);
    daemon_stop(&program.daemon, 3); /* before it runs */
    assert_int_equal(program.stops, 0);
    daemon_stop(&program.daemon, 4); /* the first one counts */
    assert_int_equal(daemon_run(&program.daemon), 3);
    assert_int_equal(program.stops, 1);
    daemon_close(&program.daemon);
}

static void test_never_run(void **state)
{
    (void)state;
    program_t program;
    start(&program);
    uv_close((uv_handle_t *)&program.work, NULL);
    daemon_close(&program.daemon);
    assert_int_equal(program.stops, 0);
}

/* The exit status of a child that does this; its output, if wanted, in `out`. */
static int run_child(void (*child)(void), char *out, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        child();
        _exit(99);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t count;
    while (out && (count = read(ends[0], out + length, size - 1 - length)) > 0)
        length += (size_t)count;
    if (out)
        out[length] = '\0';
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(ends[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void be_ready(void)
{
    program_t program;
    start(&program);
    daemon_ready(&program.daemon, "host=%s port=%d", "127.0.0.1", 5000);
    _exit(7); /* with nothing left in stdio's hands */
}

static void test_ready_line(void **state)
{
    (void)state;
    char out[256];
    assert_int_equal(run_child(be_ready, out, sizeof out), 7);
    assert_string_equal(out, "ready host=127.0.0.1 port=5000\n");
}

static void never_end(void)
{
    program_t program;
    start(&program);
    program.deaf = true;
    program.daemon.log.level = LOG_ERROR;
    daemon_stop(&program.daemon, 0);
    daemon_run(&program.daemon);
}

static void test_stop_is_bounded(void **state)
{
    (void)state;
    uint64_t started = uv_hrtime();
    assert_int_equal(run_child(never_end, NULL, 0), 1);
    assert_true((uv_hrtime() - started) / 1000000 >= DAEMON_STOP_MS - 100);
    _Static_assert(DAEMON_STOP_MS < 5000, "what SIGTERM may take");
}

static void write_to_nobody(void)
{
    program_t program;
    int ends[2];
    start(&program);
    if (pipe(ends) != 0)
        _exit(98);
    close(ends[0]);
    _exit(write(ends[1], "x", 1) == -1 ? 7 : 8);
}

static void test_no_sigpipe(void **state)
{
    (void)state;
    assert_int_equal(run_child(write_to_nobody, NULL, 0), 7);
}

static void raise_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &limit);
    size_t raised = daemon_raise_file_limit();
    getrlimit(RLIMIT_NOFILE, &limit);
    _exit(raised == limit.rlim_max && limit.rlim_cur == limit.rlim_max ? 7 : 8);
}

static void hide(void)
{
    struct rlimit limit;
    daemon_hide_memory();
    getrlimit(RLIMIT_CORE, &limit);
    _exit(limit.rlim_cur == 0 && limit.rlim_max == 0 ? 7 + prctl(PR_GET_DUMPABLE) : 99);
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(run_child(raise_limit, NULL, 0), 7);
    bool leak_check = false;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    leak_check = true; /* it needs to read the process at its end */
#endif
#endif
    assert_int_equal(run_child(hide, NULL, 0), leak_check ? 8 : 7);
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const ours[] = {"127.0.0.1", "127.255.255.254", "::1",
                                       "localhost", "LocalHost",       "0:0:0:0:0:0:0:1"};
    static const char *const others[] = {"0.0.0.0",
                                         "::",
                                         "192.168.0.1",
                                         "128.0.0.1",
                                         "::2",
                                         "",
                                         "127.0.0.1.example.org",
                                         "localhost.example.org",
                                         "example.org",
                                         "127.1",
                                         "127.0.0.1 ",
                                         "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        assert_true(daemon_is_loopback(ours[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(daemon_is_loopback(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_stop_it), cmocka_unit_test(test_stop_with_a_status),
        cmocka_unit_test(test_never_run),       cmocka_unit_test(test_ready_line),
        cmocka_unit_test(test_stop_is_bounded), cmocka_unit_test(test_no_sigpipe),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
