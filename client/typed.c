#include "typed.h"
#include "common/text.h"
#include <string.h>

static typed_t wrong(err_t err)
{
    return (typed_t){.kind = TYPED_WRONG, .code = err_code(err), .why = err_text(err)};
}

static typed_t parse_message(const char *line, size_t length, const char *colon, size_t max_message_bytes)
{
    typed_t typed = {.kind = TYPED_MESSAGE};
    const char *name = line;
    size_t name_length = (size_t)(colon - line);
    text_trim(&name, &name_length);
    typed.text = colon + 1;
    typed.length = length - (size_t)(colon + 1 - line);
    text_trim(&typed.text, &typed.length);

    err_t err = username_normalise_destination(name, name_length, typed.destination);
    if (err != ERR_OK)
        return wrong(err);
    if (typed.length == 0)
        return wrong(ERR_EMPTY);
    if (typed.length > max_message_bytes)
        return wrong(ERR_TOO_LONG);
    if (!text_is_message(typed.text, typed.length))
        return wrong(ERR_INVALID_TEXT);
    return typed;
}

typed_t typed_parse(const char *line, size_t length, size_t max_message_bytes)
{
    text_trim(&line, &length);
    if (length == 0)
        return (typed_t){.kind = TYPED_NOTHING};
    if (line[0] == '!' || text_is_word(line, length, "exit"))
        return (typed_t){.kind = TYPED_COMMAND, .text = line, .length = length};
    const char *colon = memchr(line, ':', length);
    if (!colon)
        return (typed_t){.kind = TYPED_WRONG,
                         .code = "invalid_format",
                         .why = "write NAME: MESSAGE, or !help for the commands"};
    return parse_message(line, length, colon, max_message_bytes);
}
