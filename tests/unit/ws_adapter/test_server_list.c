/* Which chat servers a browser may name: only those on the list, only as they are written there. */
#include "ws_adapter/server_list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool choose(const server_list_t *list, const char *login, server_address_t *out)
{
    cJSON *json = json_parse(login, strlen(login));

    assert_non_null(json);
    bool allowed = server_list_choose(list, json, out);
    cJSON_Delete(json);
    return allowed;
}

static void assert_chosen(const server_list_t *list, const char *login, const char *host, int port)
{
    server_address_t address;

    if (!choose(list, login, &address))
        fail_msg("not allowed: %s", login);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
}

static void test_listed_servers_can_be_chosen(void **state)
{
    server_list_t *list =
        server_list_new("127.0.0.1", 5000, " chat.example.org:6000, [::1]:7000 ,127.0.0.1:5001,");

    (void)state;
    assert_non_null(list);
    assert_chosen(list, "{}", "127.0.0.1", 5000);
    assert_chosen(list, "{\"server_host\":null,\"server_port\":null}", "127.0.0.1", 5000);
    assert_chosen(list, "{\"server_host\":\"\",\"server_port\":\"\"}", "127.0.0.1", 5000);
    assert_chosen(list, "{\"server_host\":\"127.0.0.1\",\"server_port\":5000}", "127.0.0.1", 5000);
    assert_chosen(list, "{\"server_port\":\"5001\"}", "127.0.0.1", 5001);
    assert_chosen(list, "{\"server_host\":\"Chat.Example.ORG\",\"server_port\":6000}", "chat.example.org",
                  6000);
    assert_chosen(list, "{\"server_host\":\"::1\",\"server_port\":7000}", "::1", 7000);
    server_list_free(list);
}

static void test_every_other_shape_is_refused(void **state)
{
    static const char *const logins[] = {
        "{\"server_host\":\"localhost\"}",
        "{\"server_host\":\"LOCALHOST\",\"server_port\":5000}",
        "{\"server_host\":\"127.1\"}",
        "{\"server_host\":\"127.0.1\"}",
        "{\"server_host\":\"127.0.0.01\"}",
        "{\"server_host\":\"127.0.0.2\"}",
        "{\"server_host\":\"0.0.0.0\"}",
        "{\"server_host\":\"0\"}",
        "{\"server_host\":\"2130706433\"}",
        "{\"server_host\":\"0x7f000001\"}",
        "{\"server_host\":\"0x7f.0.0.1\"}",
        "{\"server_host\":\"0177.0.0.1\"}",
        "{\"server_host\":\"017700000001\"}",
        "{\"server_host\":\"::1\"}",
        "{\"server_host\":\"[::1]\"}",
        "{\"server_host\":\"::\"}",
        "{\"server_host\":\"0:0:0:0:0:0:0:1\"}",
        "{\"server_host\":\"::ffff:127.0.0.1\"}",
        "{\"server_host\":\"::ffff:7f00:1\"}",
        "{\"server_host\":\"169.254.169.254\",\"server_port\":80}",
        "{\"server_host\":\"metadata.google.internal\",\"server_port\":80}",
        "{\"server_host\":\"127.0.0.1\",\"server_port\":8000}",
        "{\"server_host\":\"127.0.0.1\",\"server_port\":27017}",
        "{\"server_host\":\"127.0.0.1.\"}",
        "{\"server_host\":\" 127.0.0.1\"}",
        "{\"server_host\":\"127.0.0.1 \"}",
        "{\"server_host\":\"127.0.0.1\\t\"}",
        "{\"server_host\":\"127.0.0.1\\r\\n\"}",
        "{\"server_host\":\"127.0.0.1:5000\"}",
        "{\"server_host\":\"127.0.0.1/\"}",
        "{\"server_host\":\"http://127.0.0.1\"}",
        "{\"server_host\":\"user@127.0.0.1\"}",
        "{\"server_host\":\"127.0.0.1#\"}",
        "{\"server_host\":\"\\uff11\\uff12\\uff17.0.0.1\"}",
        "{\"server_host\":\"127\\u30020\\u30020\\u30021\"}",
        "{\"server_host\":\"chat.example.org\"}",
        "{\"server_host\":127}",
        "{\"server_host\":true}",
        "{\"server_host\":[\"127.0.0.1\"]}",
        "{\"server_host\":{\"host\":\"127.0.0.1\"}}",
        "{\"server_port\":0}",
        "{\"server_port\":-5000}",
        "{\"server_port\":5000.5}",
        "{\"server_port\":70536}",
        "{\"server_port\":4294972296}",
        "{\"server_port\":1e300}",
        "{\"server_port\":true}",
        "{\"server_port\":[5000]}",
        "{\"server_port\":\"05000\"}",
        "{\"server_port\":\"+5000\"}",
        "{\"server_port\":\"-5000\"}",
        "{\"server_port\":\" 5000\"}",
        "{\"server_port\":\"5000 \"}",
        "{\"server_port\":\"5000.0\"}",
        "{\"server_port\":\"0x1388\"}",
        "{\"server_port\":\"5e3\"}",
        "{\"server_port\":\"70536\"}",
        "{\"server_port\":\"99999999999999999999\"}",
    };
    server_list_t *list = server_list_new("127.0.0.1", 5000, "chat.example.org:6000");

    (void)state;
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
        server_address_t address = {NULL, 0};
        if (choose(list, logins[i], &address))
            fail_msg("allowed: %s", logins[i]);
        assert_null(address.host);
    }
    server_list_free(list);
}

static void test_a_list_that_makes_no_sense_is_refused(void **state)
{
    static const char *const lists[] = {"localhost", "localhost:",  "localhost:0", "localhost:65536",
                                        ":5000",     "a:5000;b:50", "::1:5000",    "[::1]",
                                        "[]:5000",   "a:-1",        "a:5000,b",    "a:123456789012"};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        server_list_t *list = server_list_new("127.0.0.1", 5000, lists[i]);
        if (list)
            fail_msg("taken: %s", lists[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed_servers_can_be_chosen),
        cmocka_unit_test(test_every_other_shape_is_refused),
        cmocka_unit_test(test_a_list_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
