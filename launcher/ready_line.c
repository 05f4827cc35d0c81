#include "ready_line.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, int *port)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > 65535)
        return false;
    *port = (int)value;
    return true;
}

static bool copy(const char *text, char *out, size_t size)
{
    size_t length = strlen(text);
    if (length >= size)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

/* False when its value is of no use. */
static bool take_member(const char *member, ready_line_t *ready)
{
    if (strncmp(member, "port=", 5) == 0)
        return parse_port(member + 5, &ready->endpoint.port);
    if (strncmp(member, "host=", 5) == 0)
        return copy(member + 5, ready->endpoint.host, sizeof ready->endpoint.host);
    if (strncmp(member, "username=", 9) == 0)
        return copy(member + 9, ready->username, sizeof ready->username);
    return true;
}

bool ready_line_parse(const char *line, ready_line_t *out)
{
    ready_line_t ready = {0};
    if (strncmp(line, "ready", 5) != 0 || (line[5] != ' ' && line[5] != '\0'))
        return false;
    const char *rest = line + 5;
    while (*(rest += strspn(rest, " ")) != '\0') {
        char member[ENDPOINT_HOST_SIZE + 16];
        size_t length = strcspn(rest, " ");
        if (length >= sizeof member)
            return false;
        memcpy(member, rest, length);
        member[length] = '\0';
        if (!take_member(member, &ready))
            return false;
        rest += length;
    }
    *out = ready;
    return true;
}
