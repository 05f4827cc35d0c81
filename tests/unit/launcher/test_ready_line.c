#include "launcher/ready_line.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_lines_of_the_programs(void **state)
{
    (void)state;
    ready_line_t ready;
    assert_true(ready_line_parse("ready host=127.0.0.1 port=5000", &ready));
    assert_string_equal(ready.endpoint.host, "127.0.0.1");
    assert_int_equal(ready.endpoint.port, 5000);
    assert_string_equal(ready.username, "");
    assert_true(ready_line_parse("ready username=thermometer1", &ready));
    assert_string_equal(ready.username, "thermometer1");
    assert_int_equal(ready.endpoint.port, 0);
    assert_true(ready_line_parse("ready  port=1  what=ever x", &ready));
    assert_int_equal(ready.endpoint.port, 1);
    assert_true(ready_line_parse("ready", &ready));
}

static void test_other_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "readyhost=a port=1",
        " ready port=1",
        "Ready port=1",
        "not ready",
        "ready port=",
        "ready port=0",
        "ready port=65536",
        "ready port=-1",
        "ready port=12x",
        "ready port=99999999999999999999",
    };
    ready_line_t ready = {.endpoint.port = 42};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (ready_line_parse(lines[i], &ready))
            fail_msg("taken for a ready line: %s", lines[i]);
    }
    assert_int_equal(ready.endpoint.port, 42);
}

static void test_an_endless_member_is_refused(void **state)
{
    (void)state;
    char line[2000] = "ready host=";
    ready_line_t ready;
    memset(line + strlen(line), 'h', sizeof line - 12);
    line[sizeof line - 1] = '\0';
    assert_false(ready_line_parse(line, &ready));
}

static void test_endpoints_are_written_as_people_and_programs_call_them(void **state)
{
    (void)state;
    static const struct {
        const char *host, *plain, *url, *page;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1:80", "http://127.0.0.1:80", "http://localhost:80"},
        {"0.0.0.0", "0.0.0.0:80", "http://127.0.0.1:80", "http://localhost:80"},
        {"::", "[::]:80", "http://[::1]:80", "http://localhost:80"},
        {"::1", "[::1]:80", "http://[::1]:80", "http://localhost:80"},
        {"10.1.2.3", "10.1.2.3:80", "http://10.1.2.3:80", "http://10.1.2.3:80"},
        {"chat.example", "chat.example:80", "http://chat.example:80", "http://chat.example:80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        endpoint_t endpoint;
        char text[ENDPOINT_TEXT_SIZE];
        endpoint_set(&endpoint, cases[i].host, 80);
        endpoint_format(&endpoint, text);
        assert_string_equal(text, cases[i].plain);
        endpoint_format_url(&endpoint, text);
        assert_string_equal(text, cases[i].url);
        endpoint_format_page(&endpoint, text);
        assert_string_equal(text, cases[i].page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_the_programs),
        cmocka_unit_test(test_other_lines),
        cmocka_unit_test(test_an_endless_member_is_refused),
        cmocka_unit_test(test_endpoints_are_written_as_people_and_programs_call_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
