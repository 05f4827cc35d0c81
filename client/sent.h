/* The messages that this client has sent lately: a receipt names only the id, people want to know which
 * message it was. Bounded: the oldest are forgotten. Pure. */
#ifndef P2P_CLIENT_SENT_H
#define P2P_CLIENT_SENT_H
#include "common/message.h"

enum { SENT_MAX_RECORDS = 16384, SENT_EXCERPT_BYTES = 96 }; /* more records than an outbox holds */

typedef struct {
    char id[ID_SIZE];
    char destination[USERNAME_SIZE];
    char excerpt[SENT_EXCERPT_BYTES + 1]; /* the beginning of its first line, whole characters */
    bool cut;                             /* the text goes on */
} sent_record_t;

typedef struct sent sent_t;
sent_t *sent_new(size_t capacity);
void sent_free(sent_t *sent);
void sent_add(sent_t *sent, const message_t *message);
/* NULL when unknown. Valid until the next sent_add. */
const sent_record_t *sent_find(const sent_t *sent, const char *id);

#endif
