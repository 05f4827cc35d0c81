#include "table_view.h"
#include <string.h>
#include <utf8proc.h>

enum {
    TABLE_NAME_COLUMNS = 13,
    TABLE_STATE_COLUMNS = 12,
    TABLE_MARGIN = 2,
};

static const char *const tones[] = {
    [TABLE_PLAIN] = "\033[2m", /* faint */
    [TABLE_GOOD] = "\033[32m", /* green */
    [TABLE_BUSY] = "\033[33m", /* yellow */
    [TABLE_BAD] = "\033[31m",  /* red */
};

size_t table_view_fit(const char *text, size_t columns)
{
    size_t at = 0, length = strlen(text);
    while (at < length) {
        utf8proc_int32_t character;
        utf8proc_ssize_t bytes = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                  (utf8proc_ssize_t)(length - at), &character);
        if (bytes <= 0)
            break;
        size_t wide = (size_t)utf8proc_charwidth(character);
        if (wide > columns)
            break;
        columns -= wide;
        at += (size_t)bytes;
    }
    return at;
}

void table_view_rows(buffer_t *out, const table_row_t *rows, size_t count, size_t width, bool colour)
{
    const size_t before = TABLE_MARGIN + TABLE_NAME_COLUMNS + TABLE_STATE_COLUMNS;
    for (size_t i = 0; i < count; i++) {
        const table_row_t *row = &rows[i];
        size_t length = strlen(row->text);
        if (width > 0)
            length = table_view_fit(row->text, width > before ? width - before : 0);
        buffer_appendf(out, "%*s%-*s%s%-*s%s%.*s\n", TABLE_MARGIN, "", TABLE_NAME_COLUMNS, row->name,
                       colour ? tones[row->tone] : "", TABLE_STATE_COLUMNS, row->state,
                       colour ? "\033[0m" : "", (int)length, row->text);
    }
}

void table_view_line(buffer_t *out, const table_row_t *row)
{
    buffer_appendf(out, *row->text != '\0' ? "%s: %s, %s\n" : "%s: %s\n", row->name, row->state, row->text);
}
