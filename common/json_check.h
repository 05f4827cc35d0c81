/* A strict check of JSON text (RFC 8259) before it goes to cJSON, which lets much pass: control characters as
 * space or raw in strings, numbers like 01 or 1., broken \u escapes, deep nesting. Pure; allocates nothing. */
#ifndef P2P_JSON_CHECK_H
#define P2P_JSON_CHECK_H
#include <stdbool.h>
#include <stddef.h>

/* True when exactly length bytes are one JSON value with space around it, nested at most 32 deep, with no
 * \u0000 and no unpaired surrogate. The UTF-8 itself is not checked here (text_is_utf8). */
bool json_check(const char *text, size_t length);

#endif
