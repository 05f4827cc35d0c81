/* What the server puts on the messages that it accepts: the time, read once for all lines of one read, and ids. */
#ifndef P2P_SERVER_STAMP_H
#define P2P_SERVER_STAMP_H
#include "../common/id.h"
#include "../common/timestamp.h"
#include <stdbool.h>

/* Begins as zeros. */
typedef struct {
    int64_t now; /* microseconds since 1970 */
    char text[TIMESTAMP_SIZE];
    bool is_set;
    id_series_t ids;
} stamp_t;

/* Other lines are taken from here on: the time is read anew when it is asked for. */
void stamp_renew(stamp_t *stamp);
/* The time, formatted; valid until the next call. stamp->now is the same. */
const char *stamp_text(stamp_t *stamp);
/* Mints one. */
void stamp_id(stamp_t *stamp, char out[ID_UUID_SIZE]);

#endif
