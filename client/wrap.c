#include "wrap.h"
#include "common/text.h"
#include <string.h>
#include <utf8proc.h>

enum { TAB_COLUMNS = 4, EMOJI_STYLE = 0xfe0f };

/* Characters that text_append_printable may write as an escape. */
static bool may_be_escaped(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return false;
    }
}

static int escaped_width(const char *text, size_t length, utf8proc_int32_t c)
{
    buffer_t escaped;
    buffer_init(&escaped, 0);
    text_append_printable(&escaped, text, length, false);
    bool kept = escaped.length == length && memcmp(escaped.data, text, length) == 0;
    int width = kept ? utf8proc_charwidth(c) : (int)escaped.length;
    buffer_free(&escaped);
    return width;
}

/* The next character: its bytes, and its columns. */
static size_t step(const char *text, size_t length, int *width)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &c);
    if (bytes <= 0) {
        *width = 1; /* becomes U+FFFD */
        return 1;
    }
    if (c == '\t')
        *width = TAB_COLUMNS;
    else if (c == EMOJI_STYLE)
        *width =
            1; /* makes the character before it wide on many terminals: rather too much than too little */
    else
        *width = may_be_escaped(c) ? escaped_width(text, (size_t)bytes, c) : utf8proc_charwidth(c);
    return (size_t)bytes;
}

int wrap_width(const char *text, size_t length)
{
    int total = 0;
    for (size_t at = 0; at < length;) {
        int width;
        at += step(text + at, length - at, &width);
        total += width;
    }
    return total;
}

size_t wrap_row(const char *text, size_t length, int columns, bool *full)
{
    size_t at = 0, behind_space = 0;
    int used = 0;
    while (at < length) {
        int width;
        bool space = text[at] == ' ';
        size_t bytes = step(text + at, length - at, &width);
        if (used + width > columns && at > 0 && !space) {
            *full = true;
            return behind_space > 0 ? behind_space : at;
        }
        used += width; /* spaces at the end of a row may hang over: they are not printed */
        at += bytes;
        if (space)
            behind_space = at;
    }
    *full = false;
    return length;
}

void wrap_append(buffer_t *out, const char *text, size_t length)
{
    while (length > 0) {
        const char *tab = memchr(text, '\t', length);
        size_t run = tab ? (size_t)(tab - text) : length;
        text_append_printable(out, text, run, false);
        if (!tab)
            return;
        buffer_appendf(out, "%*s", TAB_COLUMNS, "");
        text += run + 1;
        length -= run + 1;
    }
}

void wrap_append_cut(buffer_t *out, const char *text, size_t length, int columns, bool cut)
{
    size_t at = 0;
    int used = 0;
    while (at < length) {
        int width;
        size_t bytes = step(text + at, length - at, &width);
        if (used + width > columns)
            break;
        used += width;
        at += bytes;
    }
    wrap_append(out, text, at);
    if (cut || at < length)
        buffer_append_text(out, "…");
}
