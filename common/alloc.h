/* Memory. alloc_* abort the program when there is none: for small sizes that we chose.
 * try_* return NULL: for sizes that a peer chose; the peer gets an error. All are freed by free(). */
#ifndef P2P_ALLOC_H
#define P2P_ALLOC_H
#include <stddef.h>

void *alloc_bytes(size_t size);              /* not zeroed */
void *alloc_zero(size_t count, size_t size); /* zeroed */
void *alloc_resize(void *pointer, size_t size);
char *alloc_string(const char *text);                  /* a copy of a NUL-terminated string */
char *alloc_string_n(const char *text, size_t length); /* a copy with a NUL behind it */
char *alloc_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void *try_bytes(size_t size);
void *try_resize(void *pointer, size_t size);
char *try_string_n(const char *text, size_t length);

#define alloc_new(type) ((type *)alloc_zero(1, sizeof(type)))

#endif
