#include "surrogates.h"
#include <stdbool.h>

enum { ESCAPE = 6 }; /* \uXXXX */

/* The code unit of an escape \uXXXX at `text`, 0 when there is none. */
static unsigned unit_at(const char *text, const char *end)
{
    unsigned unit = 0;

    if (end - text < ESCAPE || text[0] != '\\' || text[1] != 'u')
        return 0;
    for (int i = 2; i < ESCAPE; i++) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit > 15)
            return 0;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_first(unsigned unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_second(unsigned unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

static err_t append_second(buffer_t *out, unsigned unit, unsigned *half)
{
    unsigned first = *half;

    *half = 0;
    return first ? buffer_appendf(out, "\\u%04x\\u%04x", first, unit) : buffer_append_text(out, "\\ufffd");
}

err_t surrogates_mend(buffer_t *out, const char *json, size_t length, unsigned *half)
{
    const char *at = json, *end = json + length;
    err_t err = ERR_OK;

    while (at < end && err == ERR_OK) {
        unsigned unit = unit_at(at, end);
        const char *next = at + (unit ? ESCAPE : *at == '\\' && end - at > 1 ? 2 : 1);
        if (is_first(unit) && is_second(unit_at(next, end)))
            next += ESCAPE;
        else if (is_first(unit))
            *half = unit;
        if (is_second(unit))
            err = append_second(out, unit, half);
        else if (!is_first(unit) || next - at > ESCAPE)
            err = buffer_append(out, at, (size_t)(next - at));
        at = next;
    }
    return err;
}
