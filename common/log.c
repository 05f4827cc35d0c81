#include "log.h"
#include "buffer.h"
#include "text.h"
#include "timestamp.h"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, SPECIFICATION_MAX = 16 };

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_init(log_t *log, const char *component, log_level_t level)
{
    *log = (log_t){.component = component, .level = level, .descriptor = STDERR_FILENO};
}

bool log_level_parse(const char *name, log_level_t *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (log_level_t)i;
            return true;
        }
    }
    return false;
}

/* The line's appends are allowed to fail: then it is cut at its limit. */
static void append_quoted(buffer_t *line, const char *value)
{
    (void)buffer_append_char(line, '"');
    while (value != NULL && *value != '\0') {
        size_t plain = strcspn(value, "\"\\");
        size_t room = line->limit - line->length;
        /* What is printed is never shorter than what it is made from, but for broken bytes. */
        size_t piece = text_cut(value, plain, room);
        while (text_append_printable(line, value, piece, false) == ERR_TOO_LONG && piece > 0)
            piece = text_cut(value, plain, piece / 2);
        if (piece < plain)
            break;
        value += plain;
        if (*value != '\0' && buffer_appendf(line, "\\%c", *value++) != ERR_OK)
            break;
    }
    (void)buffer_append_char(line, '"');
}

/* One conversion: its flags and length modifier stand in `specification`, ending with its letter. */
static void append_value(buffer_t *line, const char *specification, va_list *arguments)
{
    size_t length = strlen(specification);
    char letter = specification[length - 1];
    if (letter == 's')
        append_quoted(line, va_arg(*arguments, const char *));
    else if (letter == 'f')
        (void)buffer_appendf(line, specification, va_arg(*arguments, double));
    else if (strstr(specification, "ll") != NULL)
        (void)buffer_appendf(line, specification, va_arg(*arguments, long long));
    else if (strchr(specification, 'l') != NULL)
        (void)buffer_appendf(line, specification, va_arg(*arguments, long));
    else if (strchr(specification, 'z') != NULL)
        (void)buffer_appendf(line, specification, va_arg(*arguments, size_t));
    else
        (void)buffer_appendf(line, specification, va_arg(*arguments, int));
}

static void append_fields(buffer_t *line, const char *fields, va_list *arguments)
{
    while (*fields != '\0') {
        size_t plain = strcspn(fields, "%");
        (void)buffer_append(line, fields, plain);
        fields += plain;
        if (*fields == '\0')
            break;
        size_t length = 1 + strspn(fields + 1, "0123456789.lz");
        if (fields[length] == '%') {
            (void)buffer_append_char(line, '%');
        } else if (fields[length] != '\0' && length + 2 <= SPECIFICATION_MAX) {
            char specification[SPECIFICATION_MAX];
            memcpy(specification, fields, length + 1);
            specification[length + 1] = '\0';
            append_value(line, specification, arguments);
        } else {
            break;
        }
        fields += length + 1;
    }
}

/* One write a line, so that lines of several threads don't mix. A log that can't be written to is no reason to stop. */
static void write_line(int descriptor, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        data += written;
        length -= (size_t)written;
    }
}

void log_event(const log_t *log, log_level_t level, const char *event, const char *fields, ...)
{
    if (log == NULL || level < log->level)
        return;
    buffer_t line;
    char now[TIMESTAMP_SIZE];
    buffer_init(&line, LINE_MAX_BYTES - 1); /* and the newline */
    timestamp_format_now(now);
    (void)buffer_appendf(&line, "%s %s %s %s", now, level_names[level], log->component, event);
    if (fields[0] != '\0')
        (void)buffer_append_char(&line, ' ');
    va_list arguments;
    va_start(arguments, fields);
    append_fields(&line, fields, &arguments);
    va_end(arguments);
    line.limit = 0;
    if (buffer_append_char(&line, '\n') == ERR_OK)
        write_line(log->descriptor, line.data, line.length);
    buffer_free(&line);
}
