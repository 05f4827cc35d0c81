/* The table of what runs, where, and why something does not. Pure: rows in, text out. */
#ifndef P2P_TABLE_VIEW_H
#define P2P_TABLE_VIEW_H
#include "../common/buffer.h"
#include <stdbool.h>

typedef enum { TABLE_PLAIN, TABLE_GOOD, TABLE_BUSY, TABLE_BAD } table_tone_t;

typedef struct {
    const char *name;  /* ASCII */
    const char *state; /* ASCII */
    const char *text;  /* where it is, or why it is not; printable UTF-8 */
    table_tone_t tone; /* of the state */
} table_row_t;

/* Appends one line a row. width: columns of the terminal, to which lines are cut so that each stays one line; 0
 * = don't cut. colour: with ANSI colours. */
void table_view_rows(buffer_t *out, const table_row_t *rows, size_t count, size_t width, bool colour);
/* Appends the row as a line that stands alone: `chat server: running, 127.0.0.1:5000`. */
void table_view_line(buffer_t *out, const table_row_t *row);
/* How many bytes of the text fit into so many columns. */
size_t table_view_fit(const char *text, size_t columns);

#endif
