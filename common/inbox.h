/* What a receiver knows of the messages that came: shown before or not, and whether it has said got. Pure. */
#ifndef P2P_INBOX_H
#define P2P_INBOX_H
#include <stdbool.h>
#include <stddef.h>

typedef struct inbox inbox_t;
typedef enum {
    INBOX_NEW,       /* show it; undecided from now on */
    INBOX_UNDECIDED, /* shown, but the owner has not said got yet: no answer now */
    INBOX_DECIDED,   /* shown and done with: answer got again */
} inbox_status_t;

/* capacity: of messages remembered; the oldest are forgotten. */
inbox_t *inbox_new(size_t capacity);
void inbox_free(inbox_t *inbox);
inbox_status_t inbox_take(inbox_t *inbox, const char *sender, const char *id);
/* The owner has it for good. False when it was not undecided. */
bool inbox_decide(inbox_t *inbox, const char *sender, const char *id);

#endif
