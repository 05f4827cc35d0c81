#include "launcher/component.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_arguments(component_id_t id, const char *expected)
{
    endpoint_t endpoints[COMPONENT_COUNT] = {0};
    component_arguments_t arguments;
    char joined[1024] = "";
    endpoint_set(&endpoints[COMPONENT_API], "127.0.0.1", 8001);
    endpoint_set(&endpoints[COMPONENT_SERVER], "0.0.0.0", 5001);
    endpoint_set(&endpoints[COMPONENT_WEB], "::1", 0);
    component_arguments(id, "/x/program", endpoints, &arguments);
    for (size_t i = 0; arguments.items[i] != NULL; i++) {
        strcat(joined, i > 0 ? " " : "");
        strcat(joined, arguments.items[i]);
    }
    component_arguments_free(&arguments);
    assert_string_equal(joined, expected);
}

static void test_each_is_told_where_the_others_are(void **state)
{
    (void)state;
    assert_arguments(COMPONENT_API, "/x/program --host 127.0.0.1 --port 8001");
    assert_arguments(COMPONENT_SERVER,
                     "/x/program --host 0.0.0.0 --port 5001 --api-base http://127.0.0.1:8001");
    assert_arguments(COMPONENT_WEB,
                     "/x/program --host ::1 --port 0 --server-host 127.0.0.1 --server-port 5001");
    assert_arguments(COMPONENT_THERMOMETER, "/x/program --server-host 127.0.0.1 --server-port 5001");
    assert_arguments(COMPONENT_BOT, "/x/program --server-host 127.0.0.1 --server-port 5001");
}

static void test_a_secret_reaches_only_who_needs_it(void **state)
{
    (void)state;
    static char *const environment[] = {"PATH=/bin",   "OPENAI_API_KEY=k",    "OPENAI_API_KEY2=x",
                                        "MONGO_URL=m", "P2P_SERVICE_TOKEN=t", NULL};
    static const struct {
        component_id_t id;
        const char *expected;
    } cases[] = {
        {COMPONENT_API, "PATH=/bin OPENAI_API_KEY2=x MONGO_URL=m P2P_SERVICE_TOKEN=t "},
        {COMPONENT_SERVER, "PATH=/bin OPENAI_API_KEY2=x P2P_SERVICE_TOKEN=t "},
        {COMPONENT_WEB, "PATH=/bin OPENAI_API_KEY2=x "},
        {COMPONENT_THERMOMETER, "PATH=/bin OPENAI_API_KEY2=x P2P_SERVICE_TOKEN=t "},
        {COMPONENT_BOT, "PATH=/bin OPENAI_API_KEY=k OPENAI_API_KEY2=x P2P_SERVICE_TOKEN=t "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char joined[256] = "";
        char **filtered = component_environment(cases[i].id, environment);
        for (size_t j = 0; filtered[j] != NULL; j++) {
            strcat(joined, filtered[j]);
            strcat(joined, " ");
        }
        free(filtered);
        assert_string_equal(joined, cases[i].expected);
    }
}

static void test_why_a_component_is_off(void **state)
{
    (void)state;
    char nothing[] = "", key[] = "k", openai[] = OPENAI_ADDRESS "v1", own[] = "http://127.0.0.1:11434/v1";
    launcher_config_t config = {.openai_key = nothing, .openai_url = own};
    assert_string_equal(component_obstacle(COMPONENT_WEB, &config, "/nowhere"), "not built");
    assert_null(component_obstacle(COMPONENT_BOT, &config, "/bin/sh"));
    config.openai_url = openai;
    assert_non_null(strstr(component_obstacle(COMPONENT_BOT, &config, "/bin/sh"), "OPENAI_API_KEY"));
    config.openai_key = key;
    assert_null(component_obstacle(COMPONENT_BOT, &config, "/bin/sh"));
    config.no_web = config.no_thermometer = config.no_openai = true;
    assert_string_equal(component_obstacle(COMPONENT_WEB, &config, "/bin/sh"), "disabled by --no-web");
    assert_string_equal(component_obstacle(COMPONENT_THERMOMETER, &config, "/bin/sh"),
                        "disabled by --no-thermometer");
    assert_string_equal(component_obstacle(COMPONENT_BOT, &config, "/bin/sh"), "disabled by --no-openai");
    assert_null(component_obstacle(COMPONENT_SERVER, &config, "/bin/sh"));
}

static void test_levels(void **state)
{
    (void)state;
    assert_int_equal(component_level(COMPONENT_API), 0);
    assert_int_equal(component_level(COMPONENT_SERVER), 1);
    assert_int_equal(component_level(COMPONENT_WEB), 2);
    assert_int_equal(component_level(COMPONENT_BOT), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_told_where_the_others_are),
        cmocka_unit_test(test_a_secret_reaches_only_who_needs_it),
        cmocka_unit_test(test_why_a_component_is_off),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
