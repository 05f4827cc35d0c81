/* Text of peers on the rows of a terminal: made harmless, measured, and broken into rows by us, so that no
 * part of it ever starts at the left edge, where the lines of others start. Pure. */
#ifndef P2P_CLIENT_WRAP_H
#define P2P_CLIENT_WRAP_H
#include "common/buffer.h"
#include <stdbool.h>

/* Columns that wrap_append's output of this text takes. */
int wrap_width(const char *text, size_t length);
/* Bytes of the text (without newlines) that fit a row of that many columns, broken behind a space where there
 * is one; at least one character. *full: the row ended because no more fitted. */
size_t wrap_row(const char *text, size_t length, int columns, bool *full);
/* Appends one row: printable, tabs as spaces. */
void wrap_append(buffer_t *out, const char *text, size_t length);
/* Appends at most that many columns, with an ellipsis when something was left out or `cut` says so. */
void wrap_append_cut(buffer_t *out, const char *text, size_t length, int columns, bool cut);

#endif
