/* Messages that were handed to an output and are not written yet: `got` is said only when they are, so that
 * nothing is lost with us. Pure. */
#ifndef P2P_CLIENT_UNWRITTEN_H
#define P2P_CLIENT_UNWRITTEN_H
#include "common/id.h"
#include "common/username.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char sender[USERNAME_SIZE];
    char id[ID_SIZE];
    uint64_t end; /* where its last byte is in the output */
} unwritten_item_t;

typedef struct unwritten unwritten_t;
unwritten_t *unwritten_new(void);
void unwritten_free(unwritten_t *unwritten);
void unwritten_add(unwritten_t *unwritten, const char *sender, const char *id, uint64_t end);
/* Takes the oldest out if it ends within the first `written` bytes. */
bool unwritten_take(unwritten_t *unwritten, uint64_t written, unwritten_item_t *out);

#endif
