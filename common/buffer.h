/* A growing run of bytes with an upper bound. Owns its memory. Always NUL-terminated behind `length` (not
 * counted), so text can be used as a C string. An append that fails leaves the content as it was. */
#ifndef P2P_BUFFER_H
#define P2P_BUFFER_H
#include "error.h"
#include <stdarg.h>
#include <stddef.h>

typedef struct {
    char *data; /* NULL while nothing was ever appended; use buffer_text for a string */
    size_t length;
    size_t capacity;
    size_t limit : 63; /* bytes; 0 = none (only for sizes that we chose) */
    size_t failed : 1; /* an append found no memory since buffer_init or buffer_free: a part is missing */
} buffer_t;

void buffer_init(buffer_t *buffer, size_t limit);
void buffer_free(buffer_t *buffer);  /* leaves it empty and usable */
void buffer_clear(buffer_t *buffer); /* keeps the memory */

/* ERR_TOO_LONG past the limit, ERR_NO_MEMORY. */
err_t buffer_append(buffer_t *buffer, const void *data, size_t length);
err_t buffer_append_text(buffer_t *buffer, const char *text);
err_t buffer_append_char(buffer_t *buffer, char c);
err_t buffer_appendf(buffer_t *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for `more` bytes behind `length`; the caller writes there and adds to `length`. */
err_t buffer_reserve(buffer_t *buffer, size_t more);
/* Drops `count` bytes from the front. */
void buffer_consume(buffer_t *buffer, size_t count);
/* The content as a string, "" when empty; valid until the next change. */
const char *buffer_text(const buffer_t *buffer);
/* Hands the memory to the caller (free()), never NULL; the buffer is empty then. */
char *buffer_take(buffer_t *buffer, size_t *length);

#endif
