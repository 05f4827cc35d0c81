/* Who gets the readings, and the commands that were carried out already: all that the thermometer must know
 * after a restart. In memory, with its form as JSON. Pure. */
#ifndef P2P_SUBSCRIBERS_H
#define P2P_SUBSCRIBERS_H
#include "common/buffer.h"
#include "common/username.h"
#include "keys.h"

enum {
    SUBSCRIBERS_MAX = 10000,
    SUBSCRIBERS_KEPT = 20,                   /* unread readings in a mailbox */
    SUBSCRIBERS_DOUBTFUL = 3,                /* see subscriber_t */
    HANDLED_MAX = 1024,                      /* more than the server lets wait for our got */
    SUBSCRIBERS_MAX_FILE = 16 * 1024 * 1024, /* bytes; a full state has less than half of it */
};

typedef struct subscriber {
    struct subscriber *previous, *next; /* a ring, see subscribers_first */
    char name[USERNAME_SIZE];
    char key[KEY_SIZE];             /* of the command that subscribed */
    int64_t number;                 /* of the last reading whose fate is known, 0 = none yet */
    int64_t kept[SUBSCRIBERS_KEPT]; /* numbers of the last that were stored, oldest first */
    size_t kept_count;
    /* So many of the next readings may have been sent before a crash: while one is on its way, the receipts of the
     * two before it may not be on the disk, as a round begins only when something saved after the last one began
     * is there. Not kept. */
    int doubtful;
    uint64_t round; /* of the feed: the last that this subscriber had a part in; not kept */
    bool in_flight; /* reading number + 1 is sent and not acknowledged; not kept */
} subscriber_t;

typedef struct subscribers subscribers_t;

subscribers_t *subscribers_new(void);
void subscribers_free(subscribers_t *subscribers);
size_t subscribers_count(const subscribers_t *subscribers);
subscriber_t *subscribers_find(const subscribers_t *subscribers, const char *name);
/* The new one, at the end of the order; NULL when there are SUBSCRIBERS_MAX. Not for a name that is in it. */
subscriber_t *subscribers_add(subscribers_t *subscribers, const char *name, const char *key);
/* Takes it out; it is the caller's to free() or to give back. */
void subscribers_remove(subscribers_t *subscribers, subscriber_t *subscriber);
void subscribers_give_back(subscribers_t *subscribers, subscriber_t *subscriber);

/* The order in which they are served: NULL when there is none. */
subscriber_t *subscribers_first(const subscribers_t *subscribers);
void subscribers_move_to_end(subscribers_t *subscribers, subscriber_t *subscriber);

/* The number of the reading that the next one replaces, 0 = none. */
int64_t subscriber_replaced(const subscriber_t *subscriber);
/* What became of reading number + 1. */
void subscriber_advance(subscriber_t *subscriber, bool stored);

/* Commands to subscribe or unsubscribe that were carried out; the last HANDLED_MAX are known. */
bool subscribers_has_handled(const subscribers_t *subscribers, const char *key);
void subscribers_note_handled(subscribers_t *subscribers, const char *key);
void subscribers_forget_newest_handled(subscribers_t *subscribers);

/* When the last readings went out, microseconds since 1970, 0 = never. */
int64_t subscribers_round_us(const subscribers_t *subscribers);
void subscribers_set_round_us(subscribers_t *subscribers, int64_t time_us);

/* Appends the whole state as a JSON object. */
err_t subscribers_write(const subscribers_t *subscribers, buffer_t *out);
/* Fills empty subscribers. ERR_NOT_JSON, ERR_INVALID_FRAME: this is no such state; it is half filled then. */
err_t subscribers_read(subscribers_t *subscribers, const char *text, size_t length);

#endif
