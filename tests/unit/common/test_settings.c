#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *host, *empty, *none, *token;
    int64_t port, big;
    double ratio;
    bool json;
} config_t;

static const setting_t table[] = {
    {"host", "T_HOST", SETTING_TEXT, offsetof(config_t, host), "127.0.0.1", 0, 0, "address"},
    {"empty", "T_EMPTY", SETTING_TEXT, offsetof(config_t, empty), "", 0, 0, "may be empty"},
    {"none", NULL, SETTING_TEXT, offsetof(config_t, none), NULL, 0, 0, "only a flag"},
    {NULL, "T_TOKEN", SETTING_SECRET, offsetof(config_t, token), "hidden-default", 0, 0, "the token"},
    {"port", "T_PORT", SETTING_INTEGER, offsetof(config_t, port), "5000", 0, 65535, "port to listen on"},
    {NULL, "T_BIG", SETTING_INTEGER, offsetof(config_t, big), NULL, -10, 9e15, "no default"},
    {"ratio", "T_RATIO", SETTING_NUMBER, offsetof(config_t, ratio), "0.5", -1, 1.5, "a ratio"},
    {"json", "T_JSON", SETTING_FLAG, offsetof(config_t, json), "0", 0, 0, "print JSON"},
};
enum { COUNT = sizeof table / sizeof table[0], MAX_ARGUMENTS = 12 };

static const char *check(void *config)
{
    return ((config_t *)config)->port == 13 ? "13 brings bad luck" : NULL;
}

static const settings_t settings = {"p2p-test", "a program for tests", table, COUNT, check};

/* What a run of settings_or_exit_status did. */
typedef struct {
    config_t config;
    int status;
    char *out, *err;
} run_t;

static void write_dotenv(const char *text)
{
    if (text == NULL) {
        unlink(".env");
        return;
    }
    FILE *file = fopen(".env", "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int redirect(int fd, FILE *to)
{
    fflush(fd == STDOUT_FILENO ? stdout : stderr);
    int saved = dup(fd);
    dup2(fileno(to), fd);
    return saved;
}

static char *restore(int fd, int saved, FILE *from)
{
    fflush(fd == STDOUT_FILENO ? stdout : stderr);
    dup2(saved, fd);
    close(saved);
    char *text = alloc_zero(1, 16 * 1024);
    rewind(from);
    size_t length = fread(text, 1, 16 * 1024 - 1, from);
    text[length] = '\0';
    fclose(from);
    return text;
}

/* Arguments separated by '|'; "" = none. */
static run_t run(const char *arguments)
{
    run_t result;
    memset(&result, 0, sizeof result);
    char *copy = alloc_string(arguments), *rest = copy;
    char *argv[MAX_ARGUMENTS] = {"p2p-test"};
    int argc = 1;
    while (*arguments != '\0' && rest != NULL)
        argv[argc++] = strsep(&rest, "|");
    FILE *out = tmpfile(), *err = tmpfile();
    int saved_out = redirect(STDOUT_FILENO, out), saved_err = redirect(STDERR_FILENO, err);
    result.status = settings_or_exit_status(&settings, argc, argv, &result.config);
    result.out = restore(STDOUT_FILENO, saved_out, out);
    result.err = restore(STDERR_FILENO, saved_err, err);
    free(copy);
    return result;
}

static void end(run_t *result)
{
    settings_free(&settings, &result->config);
    assert_null(result->config.host);
    assert_null(result->config.token);
    free(result->out);
    free(result->err);
}

static run_t run_well(const char *arguments)
{
    run_t result = run(arguments);
    if (result.status != -1)
        fail_msg("%s: %s", arguments, result.err);
    assert_string_equal(result.out, "");
    assert_string_equal(result.err, "");
    return result;
}

/* The run fails with exit status 2 and says all of these ("|" between them). */
static void assert_refused(const char *arguments, const char *words)
{
    run_t result = run(arguments);
    if (result.status != 2)
        fail_msg("%s: not refused", arguments);
    assert_string_equal(result.out, "");
    char *copy = alloc_string(words), *rest = copy;
    while (rest != NULL) {
        const char *word = strsep(&rest, "|");
        if (strstr(result.err, word) == NULL)
            fail_msg("%s: no '%s' in: %s", arguments, word, result.err);
    }
    assert_int_equal(strncmp(result.err, "p2p-test: ", 10), 0);
    assert_ptr_equal(strchr(result.err, '\n'), result.err + strlen(result.err) - 1);
    assert_null(result.config.host);
    assert_null(result.config.token);
    free(copy);
    end(&result);
}

static void test_precedence(void **state)
{
    (void)state;
    run_t result = run_well("");
    assert_string_equal(result.config.host, "127.0.0.1");
    assert_string_equal(result.config.empty, "");
    assert_null(result.config.none);
    assert_string_equal(result.config.token, "hidden-default");
    assert_int_equal(result.config.port, 5000);
    assert_int_equal(result.config.big, 0);
    assert_true(result.config.ratio > 0.49 && result.config.ratio < 0.51);
    assert_false(result.config.json);
    end(&result);

    write_dotenv(
        "T_HOST=from-file\nT_PORT=1\nT_EMPTY='a b'\nexport T_TOKEN=\"s3cret\"\nT_JSON=Yes\nOTHER=x\n");
    result = run_well("");
    assert_string_equal(result.config.host, "from-file");
    assert_string_equal(result.config.empty, "a b");
    assert_string_equal(result.config.token, "s3cret");
    assert_int_equal(result.config.port, 1);
    assert_true(result.config.json);
    assert_null(getenv("T_HOST")); /* the file stays out of the environment */
    end(&result);

    setenv("T_HOST", "from-environment", 1);
    setenv("T_PORT", "2", 1);
    setenv("T_JSON", "off", 1);
    setenv("T_EMPTY", "", 1); /* sets it back to its default */
    result = run_well("");
    assert_string_equal(result.config.host, "from-environment");
    assert_string_equal(result.config.empty, "");
    assert_int_equal(result.config.port, 2);
    assert_false(result.config.json);
    end(&result);

    result = run_well("--host|from-flag|--port=3|--json|--none=|--ratio|-1");
    assert_string_equal(result.config.host, "from-flag");
    assert_int_equal(result.config.port, 3);
    assert_true(result.config.json);
    assert_string_equal(result.config.none, "");
    assert_true(result.config.ratio == -1);
    end(&result);

    setenv("T_PORT", "", 1);
    setenv("T_HOST", "", 1);
    result = run_well("--host=a|--host=b=c");
    assert_string_equal(result.config.host, "b=c"); /* the last one */
    assert_int_equal(result.config.port, 5000);
    end(&result);
    result = run_well("--json=no|--none|-");
    assert_string_equal(result.config.host, "127.0.0.1");
    assert_string_equal(result.config.none, "-");
    assert_false(result.config.json);
    end(&result);
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"--port=0", "--port=65535", "--ratio=1.5", "--ratio=-1e0",
                                       "--ratio=.25"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        run_t result = run_well(good[i]);
        end(&result);
    }
    static const char *const bad_ports[] = {"65536",
                                            "-1",
                                            "",
                                            "x",
                                            "5x",
                                            "5 ",
                                            " 5",
                                            "+5",
                                            "5.0",
                                            "0x10",
                                            "1e3",
                                            "99999999999999999999",
                                            "-99999999999999999999"};
    for (size_t i = 0; i < sizeof bad_ports / sizeof bad_ports[0]; i++) {
        char *argument = alloc_format("--port=%s", bad_ports[i]);
        assert_refused(argument, "--port|whole number from 0 to 65535");
        free(argument);
    }
    static const char *const bad_ratios[] = {"1.51", "-1.1",  "",    "nan", "inf", "-inf",
                                             "0x1",  "1e999", "1,5", " 1",  "-"};
    for (size_t i = 0; i < sizeof bad_ratios / sizeof bad_ratios[0]; i++) {
        char *argument = alloc_format("--ratio=%s", bad_ratios[i]);
        assert_refused(argument, "--ratio|number from -1 to 1.5");
        free(argument);
    }
    setenv("T_BIG", "9000000000000000", 1);
    run_t result = run_well("");
    assert_int_equal(result.config.big, 9000000000000000);
    end(&result);
}

static void test_errors_say_where(void **state)
{
    (void)state;
    setenv("T_PORT", "70000", 1);
    assert_refused("", "T_PORT|environment|70000");
    unsetenv("T_PORT");
    write_dotenv("T_PORT=many\n");
    assert_refused("", "T_PORT|.env|many");
    write_dotenv("T_JSON=maybe\n");
    assert_refused("", "T_JSON|.env|maybe|yes");
    write_dotenv("T_PORT=1\nT_TOKEN=s3cret words\nthis is wrong s3cret\n");
    assert_refused("", ".env line 3");
    run_t result = run("");
    assert_null(strstr(result.err, "s3cret"));
    end(&result);
    write_dotenv(NULL);
    assert_refused("--port|x\x1b[2J\n", "x\\x1B[2J\\x0A");
    assert_refused("--json=perhaps", "--json|perhaps");
    assert_refused("--host", "--host|value");
    assert_refused("--host|--port|5", "--host|value");
    assert_refused("--hos|x", "--hos");
    assert_refused("--hostname=x", "--hostname");
    assert_refused("--|x", "--");
    assert_refused("-p|5", "-p");
    assert_refused("stray", "stray");
}

static void test_secrets_are_never_printed(void **state)
{
    (void)state;
    setenv("T_TOKEN", "s3cret", 1);
    static const char *const runs[] = {"--help", "--port=x", "--t-token=s3cret", "--token=s3cret",
                                       "--T_TOKEN=s3cret"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        run_t result = run(runs[i]);
        assert_int_not_equal(result.status, -1);
        assert_null(strstr(result.out, "s3cret"));
        assert_null(strstr(result.err, "s3cret"));
        assert_null(strstr(result.out, "hidden-default"));
        end(&result);
    }
}

static void test_check(void **state)
{
    (void)state;
    assert_refused("--port=13", "p2p-test: 13 brings bad luck\n");
    run_t result = run_well("--port=14");
    end(&result);
}

static void test_help_lists_all(void **state)
{
    (void)state;
    static const char *const runs[] = {"--help", "-h", "--port=5|--help|--rubbish"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        run_t result = run(runs[i]);
        assert_int_equal(result.status, 0);
        assert_string_equal(result.err, "");
        assert_non_null(strstr(result.out, "p2p-test"));
        assert_non_null(strstr(result.out, "a program for tests"));
        for (size_t k = 0; k < COUNT; k++) {
            char flag[64];
            snprintf(flag, sizeof flag, "--%s", table[k].flag == NULL ? "help" : table[k].flag);
            assert_non_null(strstr(result.out, flag));
            if (table[k].environment != NULL)
                assert_non_null(strstr(result.out, table[k].environment));
            assert_non_null(strstr(result.out, table[k].help));
            if (table[k].kind != SETTING_SECRET && table[k].fallback != NULL)
                assert_non_null(strstr(result.out, table[k].fallback));
        }
        assert_non_null(strstr(result.out, "0 to 65535"));
        assert_non_null(strstr(result.out, "--version"));
        end(&result);
    }
    run_t result = run("--version");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out, "p2p-test " P2P_VERSION "\n");
    end(&result);
}

/* Each test runs in an empty folder with none of the names set. */
static char folder[64];

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        if (table[i].environment != NULL)
            unsetenv(table[i].environment);
    }
    strcpy(folder, "/tmp/test_settings.XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(".env");
    return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_precedence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_say_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secrets_are_never_printed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_help_lists_all, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
