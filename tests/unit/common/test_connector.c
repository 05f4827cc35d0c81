#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/connector.h"
#include "loop_world.h"
#include <netinet/tcp.h>
#include <unistd.h>

enum { LONG_MS = 20000 };

typedef struct {
    int calls;
    bool inside; /* connector_start has not returned yet */
    err_t err;
    uv_tcp_t *tcp;
} result_t;

static void on_done(void *context, err_t err, uv_tcp_t *tcp)
{
    result_t *result = context;
    assert_false(result->inside);
    assert_true((err == ERR_OK) == (tcp != NULL));
    result->calls++;
    result->err = err;
    result->tcp = tcp;
}

static connector_t *start(world_t *world, const char *host, int port, uint64_t timeout_ms, result_t *result)
{
    *result = (result_t){.inside = true};
    connector_t *connector = connector_start(&world->loop, host, port, timeout_ms, on_done, result);
    result->inside = false;
    return connector;
}

static void on_tcp_closed(uv_handle_t *handle)
{
    free(handle);
}

static int option(const uv_tcp_t *tcp, int level, int name)
{
    int fd, value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(uv_fileno((const uv_handle_t *)tcp, &fd), 0);
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void test_connects(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        world_t world;
        peer_t peer;
        result_t result;
        world_init(&world);
        peer_listen(&peer, &world.loop, 0);
        start(&world, hosts[i], peer.port, LONG_MS, &result);
        RUN_UNTIL(&world, result.calls > 0 && peer.accepted > 0);
        assert_int_equal(result.err, ERR_OK);
        assert_int_equal(option(result.tcp, IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(option(result.tcp, SOL_SOCKET, SO_KEEPALIVE), 1);
        /* A dead peer is noticed within 60 s. */
        assert_in_range(option(result.tcp, IPPROTO_TCP, TCP_KEEPIDLE) +
                            option(result.tcp, IPPROTO_TCP, TCP_KEEPINTVL) *
                                option(result.tcp, IPPROTO_TCP, TCP_KEEPCNT),
                        1, 60);
        assert_in_range(option(result.tcp, IPPROTO_TCP, TCP_USER_TIMEOUT), 1, 60000);
        world_run_for(&world, 20);
        assert_int_equal(result.calls, 1);
        uv_close((uv_handle_t *)result.tcp, on_tcp_closed);
        peer_close(&peer);
        world_close(&world);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    world_t world;
    peer_t peer;
    result_t result;
    world_init(&world);
    peer_listen(&peer, &world.loop, 0);
    peer_close(&peer); /* nobody listens there now */
    world_run_for(&world, 10);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        start(&world, hosts[i], peer.port, LONG_MS, &result);
        RUN_UNTIL(&world, result.calls > 0);
        assert_int_equal(result.err, ERR_CONNECT);
    }
    world_close(&world);
}

static void test_no_name(void **state)
{
    (void)state;
    char name[300];
    world_t world;
    result_t result;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    world_init(&world);
    start(&world, name, 80, LONG_MS, &result);
    RUN_UNTIL(&world, result.calls > 0);
    assert_int_equal(result.err, ERR_RESOLVE);
    world_close(&world);
}

static void test_cancelled(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost", ""};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        for (int turns = 0; turns < 4; turns++) {
            world_t world;
            peer_t peer;
            result_t result;
            world_init(&world);
            peer_listen(&peer, &world.loop, 0);
            connector_t *connector = start(&world, hosts[i], peer.port, LONG_MS, &result);
            for (int turn = 0; turn < turns && result.calls == 0; turn++)
                uv_run(&world.loop, UV_RUN_NOWAIT);
            if (result.calls == 0) {
                connector_cancel(connector);
                world_run_for(&world, 20);
                assert_int_equal(result.calls, 0);
            } else if (result.tcp) {
                uv_close((uv_handle_t *)result.tcp, on_tcp_closed);
            }
            peer_close(&peer);
            world_close(&world);
        }
    }
    connector_cancel(NULL);
}

/* A port whose queue is full: the kernel says nothing to whoever knocks. */
static int listen_deaf(int fds[8], int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    for (int i = 0; i < 8; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fds[i], (struct sockaddr *)&address, sizeof address);
    }
    return listener;
}

static void test_no_answer(void **state)
{
    (void)state;
    int fds[8], port, listener = listen_deaf(fds, &port);
    world_t world;
    result_t result;
    world_init(&world);
    uint64_t started = uv_hrtime();
    start(&world, "127.0.0.1", port, 100, &result);
    RUN_UNTIL(&world, result.calls > 0);
    assert_int_equal(result.err, ERR_TIMEOUT);
    assert_true((uv_hrtime() - started) / 1000000 >= 90);
    world_close(&world);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connects),  cmocka_unit_test(test_refused),   cmocka_unit_test(test_no_name),
        cmocka_unit_test(test_cancelled), cmocka_unit_test(test_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
