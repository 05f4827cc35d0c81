/* A flood from text session to text session in direct mode: what the reader's TCP has acknowledged is not kept, also
 * when the watch does not come. A real server on a loop of the test's own; its store is away. */
#include "server/limits.h"
#include "server/server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 500, LINES = 40, LINE_BYTES = 100 };

typedef struct {
    daemon_t daemon;
    config_t config;
    server_t *server;
    int alice, bob;
} stage_t;

static void on_stop(void *context)
{
    server_stop(((stage_t *)context)->server);
}

static void turn(stage_t *stage)
{
    uv_run(daemon_loop(&stage->daemon), UV_RUN_NOWAIT);
}

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Reads what has come; answers how many line ends were in it. */
static size_t read_lines(int fd)
{
    char data[64 * 1024];
    ssize_t count = recv(fd, data, sizeof data, MSG_DONTWAIT);
    size_t lines = 0;

    for (ssize_t i = 0; i < count; i++)
        lines += data[i] == '\n';
    return lines;
}

static void expect_lines(stage_t *stage, int fd, size_t wanted)
{
    while (wanted > 0) {
        turn(stage);
        size_t lines = read_lines(fd);
        assert_true(lines <= wanted);
        wanted -= lines;
    }
}

static int log_in(stage_t *stage, const char *name)
{
    int fd = connect_to(server_port(stage->server));

    say(fd, name);
    expect_lines(stage, fd, 1); /* Connected! */
    return fd;
}

static int start(void **state)
{
    static stage_t stage;

    stage.config = (config_t){.host = "127.0.0.1",
                              .api_base = "http://127.0.0.1:1",
                              .max_message_bytes = MESSAGE_DEFAULT_MAX_BYTES,
                              .token = "",
                              .service_names = "",
                              .direct = true};
    assert_int_equal(daemon_init(&stage.daemon, "server", LOG_ERROR, on_stop, &stage), ERR_OK);
    assert_int_equal(server_start(&stage.daemon, &stage.config, &stage.server), ERR_OK);
    stage.alice = log_in(&stage, "alice\n");
    stage.bob = log_in(&stage, "bob\n");
    while (mailbox_find(stage.server, "bob")->state != MAILBOX_AWAY)
        turn(&stage);
    *state = &stage;
    return 0;
}

static int stop(void **state)
{
    stage_t *stage = *state;

    close(stage->alice);
    close(stage->bob);
    daemon_stop(&stage->daemon, 0);
    assert_int_equal(daemon_run(&stage->daemon), 0);
    server_free(stage->server);
    daemon_close(&stage->daemon);
    return 0;
}

static void stop_timer(uv_handle_t *handle, void *context)
{
    (void)context;
    if (handle->type == UV_TIMER)
        uv_timer_stop((uv_timer_t *)handle);
}

static void test_what_was_acknowledged_is_not_kept(void **state)
{
    stage_t *stage = *state;
    const mailbox_t *mailbox = mailbox_find(stage->server, "bob");
    char lines[LINES * LINE_BYTES + 1], *end = lines;

    for (int i = 0; i < LINES; i++)
        end += sprintf(end, "bob: %0*d\n", LINE_BYTES - 6, i);
    say(stage->alice, "bob: hello\n"); /* the long way: the next ones know whom she writes to */
    expect_lines(stage, stage->bob, 1);
    uv_walk(daemon_loop(&stage->daemon), stop_timer, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        say(stage->alice, lines);
        expect_lines(stage, stage->bob, LINES);
        assert_in_range(mailbox->unread, LINES, 3 * LINES);
        assert_in_range(stage->server->unstored, LINES * LINE_BYTES, 6 * LINES * LINE_BYTES);
    }
    assert_int_equal(hash_count(stage->server->tracked), 0); /* no delivery: all went the short way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_was_acknowledged_is_not_kept)};

    return cmocka_run_group_tests(tests, start, stop);
}
