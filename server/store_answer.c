#include "store_answer.h"
#include "../common/text.h"
#include <string.h>

enum { HEAD_MAX = 8192, LENGTH_DIGITS = 9 };

/* "HTTP/1.1 200 OK" */
static bool read_status(const char *line, size_t length, store_answer_t *out)
{
    static const char version[] = "HTTP/1.1 ";
    size_t start = sizeof version - 1;

    if (length < start + 3 || memcmp(line, version, start) != 0 ||
        (length > start + 3 && line[start + 3] != ' '))
        return false;
    out->status = 0;
    for (size_t i = start; i < start + 3; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
        out->status = out->status * 10 + (line[i] - '0');
    }
    return out->status >= 200 && out->status <= 599;
}

static bool read_length(const char *value, size_t length, size_t *out)
{
    if (length == 0 || length > LENGTH_DIGITS)
        return false;
    *out = 0;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        *out = *out * 10 + (size_t)(value[i] - '0');
    }
    return true;
}

/* The value behind "name:" when the line is of that name. */
static bool is_header(const char *line, size_t length, const char *name, const char **value,
                      size_t *value_length)
{
    size_t name_length = strlen(name);

    if (length <= name_length || line[name_length] != ':' || !text_is_word(line, name_length, name))
        return false;
    *value = line + name_length + 1;
    *value_length = length - name_length - 1;
    text_trim(value, value_length);
    return true;
}

static bool read_header(const char *line, size_t length, store_answer_t *out, unsigned *lengths)
{
    const char *value;
    size_t value_length;

    if (is_header(line, length, "Transfer-Encoding", &value, &value_length))
        return false;
    if (is_header(line, length, "Connection", &value, &value_length))
        out->close = text_is_word(value, value_length, "close");
    if (!is_header(line, length, "Content-Length", &value, &value_length))
        return true;
    return ++*lengths == 1 && read_length(value, value_length, &out->length);
}

static bool read_head(const char *data, store_answer_t *out)
{
    const char *line = data, *end = data + out->head - 2; /* behind the last line */
    unsigned lengths = 0;

    for (; line < end;) {
        const char *line_end = memchr(line, '\r', (size_t)(end - line));
        if (line_end == NULL || line_end[1] != '\n')
            return false;
        size_t length = (size_t)(line_end - line);
        if (!(line == data ? read_status(line, length, out) : read_header(line, length, out, &lengths)))
            return false;
        line = line_end + 2;
    }
    return lengths == 1;
}

store_answer_state_t store_answer_parse(const char *data, size_t length, store_answer_t *out)
{
    const char *end = memmem(data, length < HEAD_MAX ? length : HEAD_MAX, "\r\n\r\n", 4);

    *out = (store_answer_t){0};
    if (end == NULL)
        return length < HEAD_MAX ? STORE_ANSWER_MORE : STORE_ANSWER_BAD;
    out->head = (size_t)(end - data) + 4;
    if (!read_head(data, out) || out->length > STORE_ANSWER_MAX - out->head)
        return STORE_ANSWER_BAD;
    return length - out->head < out->length ? STORE_ANSWER_MORE : STORE_ANSWER_WHOLE;
}
