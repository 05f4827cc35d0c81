/* One object for each username that has a session here, or that unfinished work is left for: it hands messages
 * to the session in order, knows which of them are on disk and which were received, and acknowledges to the
 * store what is both. It outlives the session until that is done.
 *
 * The order between two users: while older messages are being read from the store, live ones wait behind
 * them. Only while the store is away do live ones go on past what it may hold. */
#ifndef P2P_SERVER_MAILBOX_H
#define P2P_SERVER_MAILBOX_H
#include "../common/frame_scan.h"
#include "delivery.h"
#include "direct_log.h"
#include "store_client.h"

typedef struct server server_t;
typedef struct session session_t;

typedef enum {
    MAILBOX_OFFLINE,  /* no session */
    MAILBOX_CLAIMING, /* waits for the epoch, then reads */
    MAILBOX_READING,  /* a page is asked for */
    MAILBOX_PACED,    /* waits until the session has read what it was sent, then reads */
    MAILBOX_LIVE,     /* all that had waited was handed over */
    MAILBOX_AWAY,     /* so is the store: reads when it is back */
} mailbox_state_t;

struct mailbox {
    server_t *server;
    session_t *session;              /* NULL = offline */
    struct delivery_list deliveries; /* in the order of their acceptance */
    direct_log_t log;                /* newer than all deliveries */
    struct delivery_list unclaimed;  /* acknowledgements that wait for an epoch (in_queue) */
    int64_t epoch;                   /* 0 = none */
    int64_t last_seq;                /* of the last message that was read from the store */
    size_t held;                     /* bytes of messages that are not on disk */
    size_t queued;                   /* bytes kept in memory although on disk, behind what is being read */
    unsigned count;                  /* of deliveries */
    unsigned verdicts;               /* that its owner's messages wait for: they may be repeats */
    unsigned loose;                  /* of them in memory alone: direct mode */
    unsigned unread;                 /* handed to the session, which has not said got */
    unsigned generation;             /* pages of an older one are ignored */
    unsigned reads;                  /* pages asked for */
    unsigned acknowledged;           /* deliveries that are kept until the pages asked for have come */
    unsigned pins;                   /* calls to the store under way, loops over the deliveries */
    unsigned drained;                /* messages read from the store and handed over since the last start */
    mailbox_state_t state : 8;
    bool claiming;
    bool again;  /* something was stored since the page was asked for: read once more */
    bool check;  /* the session has asked: tell it when all is read */
    bool behind; /* AWAY: what is in memory waits until the session has read what it was sent */
    char username[];
};

/* Finds or makes it. Call mailbox_settle when it may have been for nothing. */
mailbox_t *mailbox_get(server_t *server, const char *username);
/* NULL when there is none. */
mailbox_t *mailbox_find(const server_t *server, const char *username);
const char *mailbox_username(const mailbox_t *mailbox);
int64_t mailbox_epoch(const mailbox_t *mailbox);
/* Frees it when nothing is left to do. */
void mailbox_settle(mailbox_t *mailbox);
/* Frees it with all that it holds, at the end of the program. */
void mailbox_free(mailbox_t *mailbox);

/* The user logs in (reads what waits), and is gone. */
void mailbox_open(mailbox_t *mailbox, session_t *session);
void mailbox_close(mailbox_t *mailbox);

/* A message that was accepted just now. put: it is to be stored. */
void mailbox_take(mailbox_t *mailbox, delivery_t *delivery, bool put);
/* Direct mode: prints a text session's checked message to the text session of this name, and has taken it. False when
 * that is not possible in one go; then it is for router_send. */
bool mailbox_pass_on(session_t *sender, const char *name, size_t name_length, const char *text,
                     size_t length);
/* The same from a JSON session to a JSON session, for a chat message without an id of its own. */
bool mailbox_pass_frame(session_t *sender, const frame_view_t *message);
/* The JSON session has the message that it was handed first of those that were passed on: its sender is told. False when
 * it is another one. */
bool mailbox_pass_got(session_t *session, const frame_view_t *got);
/* The peer's TCP has acknowledged all up to this place in the session's output. */
void mailbox_passed(mailbox_t *mailbox, uint64_t offset);
/* The recipient has it for good. */
void mailbox_got(delivery_t *delivery);
/* Would the session that is there now be shown a message of this type at once? */
bool mailbox_is_live(const mailbox_t *mailbox, message_type_t type);
/* Would a live message wait its turn behind what is read from the store? Then it has to go there too, even in direct
 * mode: only the store's order counts there. */
bool mailbox_must_wait(mailbox_t *mailbox);
/* May no more be held for it while the store does not take it? */
bool mailbox_is_full(const mailbox_t *mailbox);
/* Direct mode: what is in memory alone is put to the store. */
void mailbox_spill(mailbox_t *mailbox);

/* The session asks for what waits; its protocol's on_checked answers. */
void mailbox_check(mailbox_t *mailbox);
/* Live messages wait: older ones are read, or the session must read first. */
bool mailbox_is_waiting(const mailbox_t *mailbox);
/* The session has read what it was sent. */
void mailbox_on_drain(mailbox_t *mailbox);

/* For mailbox_*.c alone. */
/* Makes deliveries of what was passed on. */
void mailbox_expand(mailbox_t *mailbox);
void mailbox_track(mailbox_t *mailbox, delivery_t *delivery);
void mailbox_forget(delivery_t *delivery);
void mailbox_hand(delivery_t *delivery, const message_t *message, bool stored);
/* False when the session must read first. */
bool mailbox_hand_waiting(mailbox_t *mailbox);
void mailbox_claim(mailbox_t *mailbox);
void mailbox_drain(mailbox_t *mailbox);
void mailbox_set_put(delivery_t *delivery, put_state_t put);
void mailbox_acknowledge(delivery_t *delivery);
void mailbox_finish_received(delivery_t *delivery);
/* Received while its put cannot be answered; not under way. */
void mailbox_finish_unanswered(delivery_t *delivery);
bool mailbox_is_draining(const mailbox_t *mailbox);

/* The store's events; context is the server. */
extern const store_events_t mailbox_store_events;

#endif
