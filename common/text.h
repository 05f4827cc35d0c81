/* Checks and escapes of text that comes from outside. Pure. Lengths are bytes. */
#ifndef P2P_TEXT_H
#define P2P_TEXT_H
#include "buffer.h"
#include <stdbool.h>

/* True for valid UTF-8 (no overlong forms, no surrogates) in which the only control characters (C0, DEL, C1)
 * are tab and newline. This is what `message` of the design's section 2 may hold. */
bool text_is_message(const char *text, size_t length);
/* How many bytes in front are printable ASCII without '"' and '\\': as they are, they can stand in a JSON string. */
size_t text_plain_length(const char *text, size_t length);
/* True for valid UTF-8, any characters but NUL. */
bool text_is_utf8(const char *text, size_t length);
/* Appends text so that it cannot do anything to a terminal or forge a line: every control character (also
 * newline, tab kept when keep_tab), line and paragraph separators (U+2028/2029) and bidirectional controls
 * become visible \xNN or \u{NNNN}; broken UTF-8 becomes U+FFFD. For logs and terminals. */
err_t text_append_printable(buffer_t *out, const char *text, size_t length, bool keep_tab);
/* Strips spaces and tabs at both ends: moves *text and *length. */
void text_trim(const char **text, size_t *length);
/* Compares without regard to time and content, for tokens. */
bool text_equal_secret(const char *a, const char *b);
/* ASCII case-insensitive equality of a length-delimited text with a word. */
bool text_is_word(const char *text, size_t length, const char *word);
/* Cuts to at most `limit` bytes without splitting a character. */
size_t text_cut(const char *text, size_t length, size_t limit);

/* The next item of a list separated by commas, trimmed, and not empty: moves *list behind it. False at the end. */
bool text_next_item(const char **list, const char **item, size_t *length);

#endif
