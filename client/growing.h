/* Messages that are still being written by their sender (partial frames), and how much of each is on the
 * screen already. Bounded: a few at once. Pure. */
#ifndef P2P_CLIENT_GROWING_H
#define P2P_CLIENT_GROWING_H
#include "common/buffer.h"
#include "common/id.h"
#include "common/username.h"
#include <stdbool.h>
#include <stdint.h>

enum { GROWING_MAX = 4 };

typedef struct {
    char sender[USERNAME_SIZE]; /* "" = free */
    char id[ID_SIZE];
    buffer_t shown; /* the beginning of the text that is on the screen */
    uint64_t number;
} growing_item_t;

typedef struct {
    growing_item_t items[GROWING_MAX];
    uint64_t next_number;
} growing_t;

void growing_free(growing_t *growing);
/* The message's place, or a new one (the oldest gives way). */
growing_item_t *growing_get(growing_t *growing, const char *sender, const char *id);
/* NULL when nothing of it was shown. */
growing_item_t *growing_find(growing_t *growing, const char *sender, const char *id);
void growing_drop(growing_item_t *item);
/* Does the text still begin with what was shown? */
bool growing_continues(const growing_item_t *item, const char *text, size_t length);

#endif
