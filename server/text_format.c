#include "text_format.h"
#include "../common/text.h"
#include <ctype.h>
#include <string.h>

static err_t append_all(buffer_t *out, const char *const *parts, size_t count)
{
    err_t err = ERR_OK;

    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = buffer_append_text(out, parts[i]);
    return err;
}

static err_t append_prefix(buffer_t *out, const message_t *message, bool stored)
{
    const char *live[] = {"[", message->sender, "][", message->timestamp, "] "};
    if (!stored)
        return append_all(out, live, 5);
    char type[16] = "";
    const char *name = message_type_name(message->type);
    for (size_t i = 0; name[i] && i + 1 < sizeof type; i++)
        type[i] = (char)toupper((unsigned char)name[i]);
    return buffer_appendf(out, "[Stored] [%s][%s][%s] ", type, message->timestamp, message->sender);
}

err_t text_format_message(buffer_t *out, const message_t *message, bool stored)
{
    const char *line = message->text, *end = message->text + message->text_length;
    err_t err = ERR_OK;

    while (err == ERR_OK) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((next ? next : end) - line);
        err = append_prefix(out, message, stored);
        if (err == ERR_OK)
            err = text_append_printable(out, line, length, true);
        if (!next)
            break;
        if (err == ERR_OK)
            err = buffer_append_char(out, '\n');
        line = next + 1;
    }
    if (err == ERR_OK && stored && message->metadata_length > 2) {
        err = buffer_append_text(out, " Metadata: ");
        if (err == ERR_OK)
            err = text_append_printable(out, message->metadata, message->metadata_length, false);
    }
    return err == ERR_OK ? buffer_append_char(out, '\n') : err;
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
