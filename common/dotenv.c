#include "dotenv.h"
#include "alloc.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 64 * 1024 };

typedef struct {
    char *name, *value;
} assignment_t;

struct dotenv {
    assignment_t *assignments;
    size_t count;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

static bool is_end_or_comment(const char *at, const char *end)
{
    at = skip_space(at, end);
    return at == end || *at == '#';
}

/* Single quotes: everything stands for itself. Double quotes: \n, \t, and \ before anything else keeps that.
 * at stands on the opening quote. */
static bool parse_quoted(const char *at, const char *end, char *value)
{
    char quote = *at++;
    while (at < end && *at != quote) {
        char c = *at++;
        if (c == '\\' && quote == '"') {
            if (at == end)
                return false;
            c = *at++;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        *value++ = c;
    }
    *value = '\0';
    return at < end && is_end_or_comment(at + 1, end);
}

/* Up to a # with a space before it, or to the end. */
static void parse_plain(const char *at, const char *end, char *value)
{
    const char *stop = at;
    while (stop < end && !(*stop == '#' && (stop == at || is_space(stop[-1]))))
        stop++;
    while (stop > at && is_space(stop[-1]))
        stop--;
    memcpy(value, at, (size_t)(stop - at));
    value[stop - at] = '\0';
}

static bool parse_value(const char *at, const char *end, char *value)
{
    at = skip_space(at, end);
    if (at < end && (*at == '"' || *at == '\''))
        return parse_quoted(at, end, value);
    parse_plain(at, end, value);
    return true;
}

static const char *skip_export(const char *at, const char *end)
{
    static const char word[] = "export";
    size_t length = sizeof word - 1;
    if ((size_t)(end - at) > length && memcmp(at, word, length) == 0 && is_space(at[length]))
        return skip_space(at + length, end);
    return at;
}

/* NAME=value without its line end. */
static bool parse_assignment(dotenv_t *dotenv, const char *at, const char *end)
{
    const char *name = at = skip_export(at, end);
    while (at < end && is_name_char(*at, at == name))
        at++;
    const char *name_end = at;
    at = skip_space(at, end);
    if (name_end == name || at == end || *at != '=')
        return false;
    char *value = alloc_bytes((size_t)(end - at) + 1);
    if (!parse_value(at + 1, end, value)) {
        explicit_bzero(value, (size_t)(end - at) + 1);
        free(value);
        return false;
    }
    dotenv->assignments =
        alloc_resize(dotenv->assignments, (dotenv->count + 1) * sizeof *dotenv->assignments);
    dotenv->assignments[dotenv->count++] =
        (assignment_t){alloc_string_n(name, (size_t)(name_end - name)), value};
    return true;
}

static bool parse_line(dotenv_t *dotenv, const char *at, size_t length)
{
    if (length > 0 && at[length - 1] == '\r')
        length--;
    const char *end = at + length;
    if (memchr(at, '\0', length) != NULL)
        return false;
    if (is_end_or_comment(at, end))
        return true;
    return parse_assignment(dotenv, skip_space(at, end), end);
}

err_t dotenv_parse(const char *text, size_t length, dotenv_t **out, int *line_number)
{
    int number = 0;
    if (line_number != NULL)
        *line_number = 0;
    if (length > MAX_FILE_BYTES)
        return ERR_TOO_LONG;
    const char *at = text, *end = text + length;
    if (length >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) /* some editors begin a file so */
        at += 3;
    dotenv_t *dotenv = alloc_new(dotenv_t);
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        number++;
        if (!parse_line(dotenv, at, (size_t)(line_end - at))) {
            if (line_number != NULL)
                *line_number = number;
            dotenv_free(dotenv);
            return ERR_INVALID_SETTING;
        }
        at = line_end < end ? line_end + 1 : end;
    }
    *out = dotenv;
    return ERR_OK;
}

err_t dotenv_load(const char *path, dotenv_t **out, int *line_number)
{
    if (line_number != NULL)
        *line_number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? dotenv_parse("", 0, out, NULL) : ERR_IO;
    setvbuf(file, NULL, _IONBF, 0); /* stdio would keep a copy of the secrets */
    char *text = alloc_bytes(MAX_FILE_BYTES + 1);
    size_t length = fread(text, 1, MAX_FILE_BYTES + 1, file);
    err_t err = ferror(file) ? ERR_IO : dotenv_parse(text, length, out, line_number);
    fclose(file);
    explicit_bzero(text, MAX_FILE_BYTES + 1);
    free(text);
    return err;
}

const char *dotenv_get(const dotenv_t *dotenv, const char *name)
{
    /* The last one counts, as in a shell. */
    for (size_t i = dotenv->count; i-- > 0;) {
        if (strcmp(dotenv->assignments[i].name, name) == 0)
            return dotenv->assignments[i].value;
    }
    return NULL;
}

void dotenv_free(dotenv_t *dotenv)
{
    if (dotenv == NULL)
        return;
    for (size_t i = 0; i < dotenv->count; i++) {
        explicit_bzero(dotenv->assignments[i].value, strlen(dotenv->assignments[i].value));
        free(dotenv->assignments[i].value);
        free(dotenv->assignments[i].name);
    }
    free(dotenv->assignments);
    free(dotenv);
}
