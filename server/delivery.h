/* One message that the server has in its hands for one mailbox, from its acceptance (or from a page of the
 * store) until nothing is left to be done for it; and the table of them all by (sender, id). */
#ifndef P2P_SERVER_DELIVERY_H
#define P2P_SERVER_DELIVERY_H
#include "../common/hash.h"
#include "../common/message.h"
#include <sys/queue.h>

typedef struct mailbox mailbox_t;

typedef enum {
    PUT_NONE,    /* direct mode: it need not be stored (yet) */
    PUT_QUEUED,  /* waits in the store client's queue or is on its way; the store client owns that link */
    PUT_STORED,  /* it is on disk */
    PUT_REFUSED, /* the store has refused it (`refusal`), but the recipient may have it */
} put_state_t;

typedef struct delivery {
    TAILQ_ENTRY(delivery) in_mailbox;
    TAILQ_ENTRY(delivery) in_queue;    /* of the store client: puts, later acknowledgements */
    STAILQ_ENTRY(delivery) in_written; /* of a text session: bytes not yet acknowledged by TCP */
    mailbox_t *mailbox;
    message_t message; /* its text is freed when nobody needs it any more */
    uint64_t origin;   /* serial of the sender's session, 0 = it came from the store */
    uint64_t queued;   /* uv_now when it came into the store client's queue of puts */
    uint64_t offset;   /* text session: its last byte's place in the output */
    put_state_t put;
    err_t refusal;
    bool live;          /* the recipient was online when it was accepted */
    bool tell_saved;    /* a text sender waits to hear whether it was saved */
    bool unanswered;    /* its origin still waits for the store's answer */
    bool verdict_first; /* a repeat, perhaps: only the store knows whether it is new; not handed on before */
    bool minted;        /* its id is ours: its sender cannot repeat it */
    bool resend;        /* the sender says that it is a repeat */
    bool handed;        /* to the session that is there now */
    bool written;       /* is in a text session's in_written */
    bool got;           /* the recipient has it for good */
    bool attempted;     /* was sent to the store at least once: it may be there */
    bool acknowledged;  /* all is done; kept because a page under way may still hold it */
    bool in_flight;     /* with its put or acknowledgement: not in in_queue just now */
} delivery_t;

TAILQ_HEAD(delivery_list, delivery);
/* Walks a list whose current delivery may be taken out (sys/queue.h of glibc has no TAILQ_FOREACH_SAFE). */
#define DELIVERY_EACH(delivery, next, list, link)                                                            \
    for ((delivery) = TAILQ_FIRST(list); (delivery) && ((next) = TAILQ_NEXT(delivery, link), 1);             \
         (delivery) = (next))
STAILQ_HEAD(written_list, delivery);

enum { DELIVERY_KEY_SIZE = USERNAME_SIZE + ID_SIZE };

/* The key of a message in tables. A username has no newline. */
void delivery_key(const char *sender, const char *id, char out[DELIVERY_KEY_SIZE]);

/* Takes over what the message owns. */
delivery_t *delivery_new(message_t *message);
void delivery_free(delivery_t *delivery);
/* Frees text and metadata; sender and id stay. */
void delivery_drop_body(delivery_t *delivery);
bool delivery_has_body(const delivery_t *delivery);
/* What its text and metadata count for. */
size_t delivery_bytes(const delivery_t *delivery);

#endif
