/* The last (sender, id) pairs that a receiver has shown: what comes again is dropped. A bounded set, oldest
 * out. Pure. */
#ifndef P2P_SHOWN_H
#define P2P_SHOWN_H
#include <stdbool.h>
#include <stddef.h>

typedef struct shown shown_t;
shown_t *shown_new(size_t capacity);
void shown_free(shown_t *shown);
/* True when the pair is new (and now known). */
bool shown_add(shown_t *shown, const char *sender, const char *id);
bool shown_has(const shown_t *shown, const char *sender, const char *id);

#endif
