/* Connections that take too long are cut off; others are left alone. */
#include "message_api/http_connection.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    int ours, peer;
    http_connection_t *connection;
} pair_t;

static pair_t open_pair(http_connections_t *list, uint64_t now)
{
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    return (pair_t){sockets[0], sockets[1], http_connections_add(list, sockets[0], now)};
}

static void close_pair(http_connections_t *list, pair_t *pair)
{
    http_connections_remove(list, pair->connection);
    close(pair->ours);
    close(pair->peer);
}

/* Does the peer see the end? */
static bool is_cut(const pair_t *pair)
{
    char byte;
    return recv(pair->peer, &byte, 1, MSG_DONTWAIT) == 0;
}

static void test_deadlines(void **state)
{
    (void)state;
    http_connections_t list = {0};
    enum { NEW, READING, WAITING, IDLE, COUNT };
    pair_t pairs[COUNT];
    for (int i = 0; i < COUNT; i++)
        pairs[i] = open_pair(&list, 1000);
    assert_int_equal(list.count, COUNT);
    http_connection_enter(pairs[READING].connection, CONNECTION_READING, 1000);
    http_connection_enter(pairs[WAITING].connection, CONNECTION_WAITING, 1000);
    http_connection_enter(pairs[IDLE].connection, CONNECTION_IDLE, 1000);

    assert_int_equal(http_connections_cut_late(&list, 1000 + 14999), 0);
    assert_int_equal(http_connections_cut_late(&list, 1000 + 15000), 1);
    assert_true(is_cut(&pairs[NEW]));
    assert_int_equal(http_connections_cut_late(&list, 1000 + 30000), 1);
    assert_true(is_cut(&pairs[READING]));
    assert_int_equal(http_connections_cut_late(&list, 1000 + 60000), 1);
    assert_true(is_cut(&pairs[IDLE]));
    /* What waits for us is ours to end. */
    assert_int_equal(http_connections_cut_late(&list, UINT64_MAX - 1), 0);
    assert_false(is_cut(&pairs[WAITING]));

    for (int i = 0; i < COUNT; i++)
        close_pair(&list, &pairs[i]);
    assert_int_equal(list.count, 0);
    assert_null(list.first);
}

static void test_cut_idle(void **state)
{
    (void)state;
    http_connections_t list = {0};
    pair_t fresh = open_pair(&list, 0), busy = open_pair(&list, 0), idle = open_pair(&list, 0);
    http_connection_enter(busy.connection, CONNECTION_WRITING, 0);
    http_connection_enter(idle.connection, CONNECTION_IDLE, 0);
    http_connections_cut_idle(&list);
    assert_true(is_cut(&fresh));
    assert_false(is_cut(&busy));
    assert_true(is_cut(&idle));
    close_pair(&list, &busy); /* from the middle of the list */
    assert_int_equal(list.count, 2);
    close_pair(&list, &fresh);
    close_pair(&list, &idle);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_cut_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
