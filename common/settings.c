#include "settings.h"
#include "alloc.h"
#include "dotenv.h"
#include "text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const setting_t *setting)
{
    return setting->kind == SETTING_INTEGER || setting->kind == SETTING_NUMBER;
}

/* --- Messages --- */

static void complain(const settings_t *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Values may hold anything: nothing of them reaches the terminal raw. */
static void complain(const settings_t *settings, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    buffer_t line;
    buffer_init(&line, 0);
    text_append_printable(&line, text, (size_t)length, false);
    fprintf(stderr, "%s: %s\n", settings->program, buffer_text(&line));
    buffer_free(&line);
    free(text);
}

/* --- Values --- */

/* The C functions take leading space, signs, hexadecimal, nan and more: people mean none of them here. */
static bool parse_number(const char *text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return text[0] != '\0' && text[strspn(text, "-+.0123456789eE")] == '\0' && text[0] != '+' &&
           *end == '\0' && errno == 0;
}

static bool parse_integer(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return text[0] != '\0' && text[strspn(text, "-0123456789")] == '\0' && *end == '\0' && errno == 0;
}

static bool parse_flag(const char *text, bool *value)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_is_word(text, strlen(text), words[i])) {
            *value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool is_in_range(const setting_t *setting, double value)
{
    return value >= setting->minimum && value <= setting->maximum;
}

/* Puts the value at its place in the config; false when it does not fit. */
static bool store_value(const setting_t *setting, const char *text, void *config)
{
    char *place = (char *)config + setting->offset;
    switch (setting->kind) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        *(char **)place = text == NULL ? NULL : alloc_string(text);
        return true;
    case SETTING_INTEGER:
        return parse_integer(text, (int64_t *)place) && is_in_range(setting, (double)*(int64_t *)place);
    case SETTING_NUMBER:
        return parse_number(text, (double *)place) && is_in_range(setting, *(double *)place);
    case SETTING_FLAG:
        return parse_flag(text, (bool *)place);
    }
    return false;
}

static void complain_of_value(const settings_t *settings, const setting_t *setting, const char *from,
                              const char *value)
{
    char expected[128];
    if (is_number(setting))
        snprintf(expected, sizeof expected, "a%s number from %.15g to %.15g is needed",
                 setting->kind == SETTING_INTEGER ? " whole" : "", setting->minimum, setting->maximum);
    else
        snprintf(expected, sizeof expected, "1, true, yes, on, 0, false, no or off is needed");
    complain(settings, "%s is '%s': %s", from, value, expected);
}

/* --- Sources --- */

/* --name for messages and help. */
static void flag_name(const setting_t *setting, char out[64])
{
    snprintf(out, 64, "--%s", setting->flag);
}

/* The first of flag, environment, .env and default that has it. An empty value in the environment or .env
 * means the default. */
static err_t resolve(const settings_t *settings, const setting_t *setting, const char *from_flag,
                     const dotenv_t *dotenv, void *config)
{
    char from[192] = "the default";
    const char *value = from_flag;
    if (value != NULL) {
        flag_name(setting, from);
    } else if (setting->environment != NULL) {
        value = getenv(setting->environment);
        bool in_environment = value != NULL;
        if (!in_environment)
            value = dotenv_get(dotenv, setting->environment);
        snprintf(from, sizeof from, "%s (from %s)", setting->environment,
                 in_environment ? "the environment" : ".env");
        if (value != NULL && value[0] == '\0')
            value = NULL;
    }
    if (value == NULL)
        value = setting->fallback;
    if (value == NULL && setting->kind != SETTING_TEXT && setting->kind != SETTING_SECRET)
        return ERR_OK; /* no default: stays zero */
    if (store_value(setting, value, config))
        return ERR_OK;
    complain_of_value(settings, setting, from, value);
    return ERR_INVALID_SETTING;
}

static const setting_t *find_flag(const settings_t *settings, const char *name, size_t length)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *flag = settings->table[i].flag;
        if (flag != NULL && strlen(flag) == length && memcmp(flag, name, length) == 0)
            return &settings->table[i];
    }
    return NULL;
}

/* Reads the argument at *index, and its value behind it when it takes one. */
static err_t read_argument(const settings_t *settings, int argc, char **argv, int *index, const char **values)
{
    const char *argument = argv[*index];
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        settings_print_help(settings, stdout);
        return ERR_HELP;
    }
    if (strcmp(argument, "--version") == 0) {
        printf("%s %s\n", settings->program, P2P_VERSION);
        return ERR_HELP;
    }
    const char *name = argument + 2;
    size_t length = strncmp(argument, "--", 2) == 0 ? strcspn(name, "=") : 0;
    const setting_t *setting = length > 0 ? find_flag(settings, name, length) : NULL;
    if (setting == NULL) {
        /* What follows = may be a secret that has no flag. */
        int shown = length > 0 ? (int)length + 2 : (int)strlen(argument);
        complain(settings, "unknown argument '%.*s'; --help lists what there is", shown, argument);
        return ERR_INVALID_SETTING;
    }
    const char **value = &values[setting - settings->table];
    if (name[length] == '=')
        *value = name + length + 1;
    else if (setting->kind == SETTING_FLAG)
        *value = "1";
    else if (*index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0)
        *value = argv[++*index];
    else {
        complain(settings, "%s needs a value", argument);
        return ERR_INVALID_SETTING;
    }
    return ERR_OK;
}

static err_t load_dotenv(const settings_t *settings, dotenv_t **dotenv)
{
    int line = 0;
    err_t err = dotenv_load(".env", dotenv, &line);
    if (err == ERR_OK)
        return ERR_OK;
    if (line > 0)
        complain(settings, ".env line %d is no NAME=value", line);
    else
        complain(settings, err == ERR_TOO_LONG ? ".env is larger than 64 KiB" : ".env cannot be read");
    return ERR_INVALID_SETTING;
}

err_t settings_read(const settings_t *settings, int argc, char **argv, void *config)
{
    const char **values = alloc_zero(settings->count + 1, sizeof *values);
    dotenv_t *dotenv = NULL;
    err_t err = ERR_OK;
    for (int i = 1; i < argc && err == ERR_OK; i++)
        err = read_argument(settings, argc, argv, &i, values);
    if (err == ERR_OK)
        err = load_dotenv(settings, &dotenv);
    for (size_t i = 0; i < settings->count && err == ERR_OK; i++)
        err = resolve(settings, &settings->table[i], values[i], dotenv, config);
    if (err != ERR_OK)
        settings_free(settings, config);
    dotenv_free(dotenv);
    free(values);
    return err;
}

void settings_free(const settings_t *settings, void *config)
{
    for (size_t i = 0; i < settings->count; i++) {
        const setting_t *setting = &settings->table[i];
        if (setting->kind != SETTING_TEXT && setting->kind != SETTING_SECRET)
            continue;
        char **text = (char **)((char *)config + setting->offset);
        if (*text != NULL)
            explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

/* --- Help --- */

static const char *placeholder(setting_kind_t kind)
{
    static const char *const names[] = {
        [SETTING_TEXT] = " TEXT",     [SETTING_SECRET] = " SECRET", [SETTING_INTEGER] = " NUMBER",
        [SETTING_NUMBER] = " NUMBER", [SETTING_FLAG] = "",
    };
    return names[kind];
}

static void print_setting(const setting_t *setting, FILE *out)
{
    char flag[64] = "";
    if (setting->flag != NULL)
        flag_name(setting, flag);
    const char *environment = setting->environment == NULL ? "" : setting->environment;
    fprintf(out, "  %s%s%s%s\n      %s", flag, setting->flag == NULL ? "" : placeholder(setting->kind),
            flag[0] != '\0' && environment[0] != '\0' ? ", " : "", environment, setting->help);
    if (is_number(setting))
        fprintf(out, "; %.15g to %.15g", setting->minimum, setting->maximum);
    if (setting->kind != SETTING_SECRET && setting->fallback != NULL && setting->fallback[0] != '\0')
        fprintf(out, " (default: %s)", setting->fallback);
    fputc('\n', out);
}

void settings_print_help(const settings_t *settings, FILE *out)
{
    fprintf(out, "%s: %s\n\nUsage: %s [--flag value]...\n\n", settings->program, settings->summary,
            settings->program);
    fputs("A flag wins, then the environment, then .env in the working directory, then the default.\n\n",
          out);
    for (size_t i = 0; i < settings->count; i++)
        print_setting(&settings->table[i], out);
    fputs("  --help\n      print this text\n  --version\n      print the version\n", out);
}

int settings_or_exit_status(const settings_t *settings, int argc, char **argv, void *config)
{
    err_t err = settings_read(settings, argc, argv, config);
    if (err != ERR_OK)
        return err == ERR_HELP ? 0 : 2;
    const char *problem = settings->check != NULL ? settings->check(config) : NULL;
    if (problem == NULL)
        return -1;
    complain(settings, "%s", problem);
    settings_free(settings, config);
    return 2;
}
