/* One connection: its socket, lines in, bytes out, and what its reading waits for. Small while it is idle: its
 * buffers exist only while there is something in them. What the lines mean is its protocol's business. */
#ifndef P2P_SERVER_SESSION_H
#define P2P_SERVER_SESSION_H
#include "../common/line_reader.h"
#include "../common/output_queue.h"
#include "bucket.h"
#include "mailbox.h"
#include "protocol.h"
#include <sys/queue.h>
#include <uv.h>

typedef enum {
    SESSION_OPEN,
    SESSION_LEAVING, /* the peer has sent all: it waits for its answers only */
    SESSION_CLOSING, /* logged out; the last bytes are on their way */
    SESSION_CLOSED,  /* freed when its handles are */
} session_state_t;

struct session {
    uv_tcp_t tcp;
    server_t *server;
    const protocol_t *protocol;
    output_queue_t *output;
    mailbox_t *mailbox; /* NULL = not logged in */
    mailbox_t *last_to; /* it wrote to; there still if no mailbox was freed since */
    uint64_t last_freed;
    line_reader_t *reader; /* NULL while nothing waits in it */
    TAILQ_ENTRY(session) in_all, in_users, in_watch;
    struct written_list written; /* text: handed over, not yet acknowledged by the peer's TCP */
    uint64_t serial;
    uint64_t sent;  /* bytes ever given to the output */
    uint64_t since; /* ms: of the state, or of the accept */
    uint64_t heard; /* ms: of the last byte */
    union {
        uint64_t hint_at;      /* ms: text: of the last hint, 0 = none yet */
        uint64_t presence_seq; /* JSON: of its own joining */
    };
    uint64_t taken; /* bytes that the kernel had taken at taken_at, ms; 0 = the mailbox waits for nothing */
    uint64_t taken_at;
    size_t withheld; /* bytes of messages that came since then, and still wait */
    size_t mark;     /* of the output's buffer between session_begin and session_flush */
    bucket_t bucket;
    unsigned unanswered; /* messages that the store has not answered */
    unsigned waiting;    /* text: messages that wait for !check */
    session_state_t state : 8;
    bool watched : 1;
    bool listed : 1;        /* see users.c */
    bool authorised : 1;    /* logged in with the service token */
    bool whole_lines : 1;   /* text: has ended a line after its name with a newline */
    bool silence_ended : 1; /* text: silence ended the last line, so a newline may still come */
    bool throttled : 1;     /* waits for a token */
    bool held_back : 1;     /* waits until less is on its way to the disk */
    bool reading : 1;
    bool read_enough : 1; /* for this turn of the loop: it is the others' */
    bool heard_all : 1;   /* the peer's end of stream */
    bool shut : 1;        /* nothing more is sent */
    bool polled : 1;      /* what its TCP has acknowledged was asked since the last tick */
};

TAILQ_HEAD(session_list, session);

/* Takes the listener's next connection; NULL when there is none. */
session_t *session_accept(server_t *server, uv_stream_t *listener);
/* Asks for the name and begins to read. */
void session_greet(session_t *session);
/* The name (normalised) is taken from now on: OK or USERNAME_TAKEN. The caller greets, then calls
 * session_start. */
err_t session_login(session_t *session, const char *username, const protocol_t *protocol);
/* Reads the mailbox. */
void session_start(session_t *session);
/* "" before the login. */
const char *session_username(const session_t *session);

/* Append to the buffer, then flush. */
buffer_t *session_begin(session_t *session);
void session_flush(session_t *session);
void session_write(session_t *session, const char *text);
/* What was written just now may wait a moment for what comes next, to go with it. */
void session_hold(session_t *session);
void session_release(session_t *session);
/* One text for very many: not copied for each of them. */
void session_write_now(session_t *session, const buffer_t *text);

/* A message or command was taken: costs a token. */
void session_charge(session_t *session);
/* Too much is on its way to the disk: no more is read for now. */
void session_hold_back(session_t *session);
/* Text: a message waits for !check. */
void session_note_waiting(session_t *session);
/* Text: the delivery's bytes are behind all that was given to the output so far. */
void session_expect_read(session_t *session, delivery_t *delivery);
/* They are behind its offset; newer than all that are expected. */
void session_expect_read_at(session_t *session, delivery_t *delivery);

/* Its mailbox waits for the peer to read: it is looked at whether it does. */
void session_expect_reading(session_t *session);
/* A message comes that must wait. */
void session_withhold(session_t *session, size_t bytes);

/* Ends it: logs the user out, lets the last bytes go (not after CLOSED, IO and TOO_SLOW). say_end was the
 * caller's business. */
void session_end(session_t *session, err_t why);
/* The user wants to go: ends it as soon as what was sent is answered. */
void session_leave(session_t *session);
/* Neither reads nor takes lines any more, at the end of the program. */
void session_stop_reading(session_t *session);
/* Text: what its TCP has acknowledged is delivered. */
void session_poll_written(session_t *session);
/* The same, and the next tick need not. */
void session_poll_now(session_t *session);
/* For the watch. */
bool session_on_tick(session_t *session, uint64_t now_ms);

/* Of the turn that all sessions share. */
extern const output_events_t session_output_events;

/* For session*.c alone. */
void session_take_lines(session_t *session);
/* Takes a rest without an end as a line. */
void session_finish_line(session_t *session);
bool session_is_blocked(const session_t *session);
/* Bytes that wait for their line's end. */
size_t session_pending(const session_t *session);
/* At once, without a last word; the user is logged out already. */
void session_close_now(session_t *session);

#endif
