/* What waits to be written to one browser, message by message. Pure. */
#ifndef P2P_WS_OUTGOING_H
#define P2P_WS_OUTGOING_H
#include "common/id.h"
#include "common/username.h"

typedef struct outgoing_item {
    struct outgoing_item *next;
    char sender[USERNAME_SIZE], id[ID_SIZE]; /* to be acknowledged once it is written; "" = nothing to say */
    size_t length;                           /* of the text */
    char bytes[];                            /* room in front for the library, then the text */
} outgoing_item_t;

typedef struct {
    outgoing_item_t *first, *last;
    size_t bytes; /* of all texts */
    size_t room;  /* in front of each */
} outgoing_t;

void outgoing_init(outgoing_t *outgoing, size_t room);
void outgoing_free(outgoing_t *outgoing);
/* Copies. sender and id may be NULL. False when there is no memory. */
bool outgoing_push(outgoing_t *outgoing, const char *text, size_t length, const char *sender, const char *id);
/* Takes the first out: free() it. NULL when there is none. */
outgoing_item_t *outgoing_pop(outgoing_t *outgoing);

#endif
