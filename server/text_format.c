#include "text_format.h"
#include "../common/text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PREFIX_SIZE = USERNAME_SIZE + TIMESTAMP_SIZE + 48 };

/* `[alice][timestamp] `: most of what goes out is this and the text, so it is made without printf. */
static size_t live_prefix(char out[PREFIX_SIZE], const char *sender, const char *timestamp)
{
    char *to = out;

    *to++ = '[';
    to = stpcpy(to, sender);
    *to++ = ']';
    *to++ = '[';
    to = stpcpy(to, timestamp);
    *to++ = ']';
    *to++ = ' ';
    return (size_t)(to - out);
}

static size_t stored_prefix(char out[PREFIX_SIZE], const message_t *message)
{
    char type[16] = "";
    const char *name = message_type_name(message->type);

    for (size_t i = 0; name[i] && i + 1 < sizeof type; i++)
        type[i] = (char)toupper((unsigned char)name[i]);
    return (size_t)snprintf(out, PREFIX_SIZE, "[Stored] [%s][%s][%s] ", type, message->timestamp,
                            message->sender);
}

/* Every line with the prefix; the last one without its end. */
static err_t append_lines(buffer_t *out, const char *prefix, size_t prefix_length, const char *text,
                          size_t length)
{
    const char *line = text, *end = text + length;
    err_t err = ERR_OK;

    while (err == ERR_OK) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        err = buffer_append(out, prefix, prefix_length);
        if (err == ERR_OK)
            err = text_append_printable(out, line, (size_t)((next ? next : end) - line), true);
        if (!next)
            break;
        if (err == ERR_OK)
            err = buffer_append_char(out, '\n');
        line = next + 1;
    }
    return err;
}

err_t text_format_live(buffer_t *out, const char *sender, const char *timestamp, const char *text,
                       size_t length)
{
    char prefix[PREFIX_SIZE];
    err_t err = append_lines(out, prefix, live_prefix(prefix, sender, timestamp), text, length);

    return err == ERR_OK ? buffer_append_char(out, '\n') : err;
}

static err_t format_stored(buffer_t *out, const message_t *message)
{
    char prefix[PREFIX_SIZE];
    err_t err =
        append_lines(out, prefix, stored_prefix(prefix, message), message->text, message->text_length);

    if (err == ERR_OK && message->metadata_length > 2) {
        err = buffer_append_text(out, " Metadata: ");
        if (err == ERR_OK)
            err = text_append_printable(out, message->metadata, message->metadata_length, false);
    }
    return err == ERR_OK ? buffer_append_char(out, '\n') : err;
}

err_t text_format_message(buffer_t *out, const message_t *message, bool stored)
{
    if (stored)
        return format_stored(out, message);
    return text_format_live(out, message->sender, message->timestamp, message->text, message->text_length);
}

/* Goes out at every login: without printf for each name. */
void text_format_names(buffer_t *out, const char *const *names, size_t count, size_t online)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append(out, ", ", 2);
        buffer_append_text(out, names[i]);
    }
    if (online > count)
        buffer_appendf(out, " (+%zu more)", online - count);
    buffer_append_char(out, '\n');
}

bool text_format_split(const char *line, size_t length, const char **name, size_t *name_length,
                       const char **text, size_t *text_length)
{
    const char *colon = memchr(line, ':', length);
    if (!colon)
        return false;
    *name = line;
    *name_length = (size_t)(colon - line);
    *text = colon + 1;
    *text_length = length - *name_length - 1;
    text_trim(name, name_length);
    text_trim(text, text_length);
    return *name_length > 0 && *text_length > 0;
}
