/* What waits to be written to one browser: WebSocket frames, one behind the other as they go over the wire, so that
 * many go out with one write. Pure. */
#ifndef P2P_WS_OUTGOING_H
#define P2P_WS_OUTGOING_H
#include "common/buffer.h"
#include "common/id.h"
#include "common/username.h"
#include <stdbool.h>
#include <stdint.h>

/* Of a message that is to be acknowledged once the browser's TCP has it. */
typedef struct outgoing_got {
    struct outgoing_got *next;
    uint64_t end; /* of its frame, counted from the first byte that was ever queued */
    char sender[USERNAME_SIZE], id[ID_SIZE];
} outgoing_got_t;

typedef struct {
    buffer_t frames; /* behind `room` bytes that the library may use; no memory while there are none */
    size_t room;
    size_t start; /* of the first that is not written yet */
    size_t bytes; /* that wait, headers and all */
    uint64_t written;
    outgoing_got_t *first, *last;
} outgoing_t;

void outgoing_init(outgoing_t *outgoing, size_t room);
/* Drops all that waits; usable behind it. */
void outgoing_free(outgoing_t *outgoing);
/* Queues a text frame: RFC 6455, section 5.2. sender and id may be NULL. False when there is no memory. */
bool outgoing_push(outgoing_t *outgoing, const char *text, size_t length, const char *sender, const char *id);
/* The next whole frames, together not more than `most` bytes unless the first alone is; NULL when there are none. */
char *outgoing_next(const outgoing_t *outgoing, size_t most, size_t *length);
/* So many bytes of them were written. */
void outgoing_drop(outgoing_t *outgoing, size_t length);
/* Takes out one whose frame was written and lies before the last `unacknowledged` bytes of those written: free() it. NULL
 * when there is none. */
outgoing_got_t *outgoing_pop_got(outgoing_t *outgoing, size_t unacknowledged);

#endif
