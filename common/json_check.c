#include "json_check.h"
#include "json.h"
#include <string.h>

typedef struct {
    const unsigned char *at, *end;
    unsigned depth;
    uint32_t objects; /* one bit a level, the innermost lowest: 1 = object, 0 = array */
} scan_t;
_Static_assert(JSON_MAX_DEPTH <= 32, "one bit of scan_t.objects a level");

static void skip_space(scan_t *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool take(scan_t *scan, unsigned char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* The four digits of \uXXXX, or -1. */
static int take_hex4(scan_t *scan)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        if (scan->at == scan->end)
            return -1;
        unsigned char c = *scan->at++;
        unsigned char letter = c | 0x20;
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* Behind the backslash. */
static bool take_escape(scan_t *scan)
{
    if (scan->at == scan->end)
        return false;
    unsigned char c = *scan->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    int first = take_hex4(scan);
    if (first <= 0 || (first >= 0xDC00 && first <= 0xDFFF))
        return false;
    if (first < 0xD800 || first > 0xDBFF)
        return true;
    if (!take(scan, '\\') || !take(scan, 'u'))
        return false;
    int second = take_hex4(scan);
    return second >= 0xDC00 && second <= 0xDFFF;
}

static bool take_string(scan_t *scan)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end) {
        unsigned char c = *scan->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !take_escape(scan)))
            return false;
    }
    return false;
}

static bool take_digits(scan_t *scan)
{
    const unsigned char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start;
}

static bool take_number(scan_t *scan)
{
    take(scan, '-');
    if (!take(scan, '0') && !take_digits(scan))
        return false;
    if (take(scan, '.') && !take_digits(scan))
        return false;
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            take(scan, '-');
        return take_digits(scan);
    }
    return true;
}

static bool take_word(scan_t *scan, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static bool take_scalar(scan_t *scan)
{
    switch (*scan->at) {
    case '"':
        return take_string(scan);
    case 't':
        return take_word(scan, "true");
    case 'f':
        return take_word(scan, "false");
    case 'n':
        return take_word(scan, "null");
    default:
        return take_number(scan);
    }
}

/* The name of a member and its colon. */
static bool take_name(scan_t *scan)
{
    skip_space(scan);
    if (!take_string(scan))
        return false;
    skip_space(scan);
    return take(scan, ':');
}

/* One value, or the opening of a container: *complete tells which. */
static bool take_value(scan_t *scan, bool *complete)
{
    skip_space(scan);
    if (scan->at == scan->end)
        return false;
    bool object = *scan->at == '{';
    if (!object && *scan->at != '[') {
        *complete = true;
        return take_scalar(scan);
    }
    scan->at++;
    skip_space(scan);
    if (scan->depth == JSON_MAX_DEPTH)
        return false;
    *complete = take(scan, object ? '}' : ']');
    if (*complete)
        return true;
    scan->depth++;
    scan->objects = scan->objects << 1 | object;
    return !object || take_name(scan);
}

/* Behind a complete value inside a container: closes what ends here. *next: another value follows. */
static bool take_separators(scan_t *scan, bool *next)
{
    *next = false;
    while (scan->depth > 0) {
        bool object = scan->objects & 1;
        skip_space(scan);
        if (take(scan, ',')) {
            *next = true;
            return !object || take_name(scan);
        }
        if (!take(scan, object ? '}' : ']'))
            return false;
        scan->depth--;
        scan->objects >>= 1;
    }
    return true;
}

bool json_check(const char *text, size_t length)
{
    scan_t scan = {.at = (const unsigned char *)text, .end = (const unsigned char *)text + length};
    bool next = true;
    while (next) {
        bool complete;
        if (!take_value(&scan, &complete) || (complete && !take_separators(&scan, &next)))
            return false;
    }
    skip_space(&scan);
    return scan.at == scan.end;
}
