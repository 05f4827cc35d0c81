/* Settings: the input as a .env file, and as flags (a line each) with environment variables ($NAME=value). */
#include "common/alloc.h"
#include "common/dotenv.h"
#include "common/settings.h"
#include "fuzz.h"
#include <stdio.h>

typedef struct {
    char *text, *secret;
    int64_t integer;
    double number;
    bool flag;
} config_t;

static const setting_t table[] = {
    {"text", "FUZZ_TEXT", SETTING_TEXT, offsetof(config_t, text), "text", 0, 0, "a text"},
    {NULL, "FUZZ_SECRET", SETTING_SECRET, offsetof(config_t, secret), NULL, 0, 0, "a secret"},
    {"integer", "FUZZ_INTEGER", SETTING_INTEGER, offsetof(config_t, integer), "5000", 0, 65535, "a number"},
    {"number", "FUZZ_NUMBER", SETTING_NUMBER, offsetof(config_t, number), "1.5", -10, 10, "a number"},
    {"flag", "FUZZ_FLAG", SETTING_FLAG, offsetof(config_t, flag), "no", 0, 0, "a flag"},
};
enum { COUNT = sizeof table / sizeof table[0], ARGUMENTS_MAX = 16 };

static void parse_file(const char *text, size_t size)
{
    dotenv_t *dotenv = NULL;
    int line;
    if (dotenv_parse(text, size, &dotenv, &line) != ERR_OK)
        return;
    for (size_t i = 0; i < COUNT; i++)
        dotenv_get(dotenv, table[i].environment);
    dotenv_free(dotenv);
}

static void set_environment(char *line)
{
    char *value = strchr(line, '=');
    if (value == NULL)
        return;
    *value = '\0';
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(line, table[i].environment) == 0)
            setenv(line, value + 1, 1);
    }
}

static void read_settings(char *text)
{
    static const settings_t settings = {"fuzz", "a fuzzer", table, COUNT, NULL};
    char program[] = "fuzz", *argv[ARGUMENTS_MAX + 2] = {program}, *rest = NULL;
    int argc = 1;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '$')
            set_environment(line + 1);
        else if (argc <= ARGUMENTS_MAX)
            argv[argc++] = line;
    }
    config_t config = {0};
    if (settings_read(&settings, argc, argv, &config) == ERR_OK) {
        FUZZ_CHECK(config.text != NULL && config.integer >= 0 && config.integer <= 65535);
        FUZZ_CHECK(config.number >= -10 && config.number <= 10);
    }
    settings_free(&settings, &config);
    FUZZ_CHECK(config.text == NULL && config.secret == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    if (nowhere == NULL) /* the complaints and --help; the fuzzer keeps its own way to standard error */
        stderr = stdout = nowhere = fopen("/dev/null", "w");
    char *text = alloc_string_n((const char *)data, size);
    parse_file(text, size);
    for (size_t i = 0; i < COUNT; i++)
        unsetenv(table[i].environment);
    read_settings(text);
    free(text);
    return 0;
}
