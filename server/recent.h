/* What became of the last messages, by their key (sender, id): a repeat is answered from it and not handed on
 * again. Bounded, oldest out. Pure. */
#ifndef P2P_SERVER_RECENT_H
#define P2P_SERVER_RECENT_H
#include "../common/frame.h"

typedef struct recent recent_t;

recent_t *recent_new(size_t capacity);
void recent_free(recent_t *recent);
/* status: RECEIPT_STORED or RECEIPT_DELIVERED (never stored, but received). A known key keeps its place. */
void recent_add(recent_t *recent, const char *key, receipt_status_t status);
bool recent_find(const recent_t *recent, const char *key, receipt_status_t *status);

#endif
