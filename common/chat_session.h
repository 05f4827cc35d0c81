/* The client side of a JSON session: connects, logs in, reconnects by itself (backoff 0.1 s to 10 s with
 * jitter), keeps an outbox and sends what was not acknowledged again after a reconnect, drops messages
 * already shown, pings when idle (a dead server is noticed within 60 s). Used by the terminal client, the web
 * adapter, the services, and tests. All events come from the loop, never inside a call. Inside an event any
 * call is allowed, also chat_session_close. */
#ifndef P2P_CHAT_SESSION_H
#define P2P_CHAT_SESSION_H
#include "frame.h"
#include "log.h"
#include <uv.h>

typedef struct chat_session chat_session_t;

typedef struct {
    /* Logged in (again). users: everyone online, at most what the server lists. */
    void (*on_online)(void *context, const frame_t *login_success);
    /* The connection is gone (or a try has failed) and is tried again, unless final: then the session is over (login refused with
     * username_taken, username_invalid, unauthorized… at the FIRST login, or options.reconnect is false); why
     * = the reason. After a successful first login `username_taken` on reconnect is retried (our old session
     * may not have been noticed dead yet). */
    void (*on_offline)(void *context, err_t why, bool final);
    /* A message to show; stored = it had waited. Return true when it is kept or shown for good: `got` is sent
     * then. Return false to say got later by chat_session_got. Duplicates never come here. */
    bool (*on_message)(void *context, const message_t *message, bool stored);
    /* What became of a message sent. `rejected` is the end of it also when the code is a passing one (busy,
     * store_unavailable…); sending it again is the owner's choice. code/reason only for rejected. A message is dropped from the outbox at
     * its first receipt; later receipts come all the same. */
    void (*on_receipt)(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason);
    void (*on_presence)(void *context, const frame_t *presence);
    void (*on_result)(void *context, const frame_t *result);
    void (*on_partial)(void *context, const char *sender, const char *id, const char *text);
    void (*on_error)(void *context, const char *code,
                     const char *text); /* an error frame that doesn't end the session */
    /* The session and its handles are gone; the last event, the pointer is dead. */
    void (*on_closed)(void *context);
} chat_events_t; /* any may be NULL */

typedef struct {
    const char *host; /* copied */
    int port;
    const char *username;     /* copied */
    const char *token;        /* copied, wiped; NULL or "" = none */
    bool reconnect;           /* false: one connection only */
    size_t max_message_bytes; /* of what is received, 0 = 16 KiB; the server's own limit counts when higher */
    size_t shown_capacity;    /* 0 = 10000 */
    uint64_t login_ms;        /* the server must have answered the login by then; 0 = 10000 */
    uint64_t idle_ms;         /* after this much silence the server is pinged, after twice that it is dead;
                              0 = 20000 */
    const log_t *log;         /* not owned; may be NULL */
} chat_options_t;

chat_session_t *chat_session_open(uv_loop_t *loop, const chat_options_t *options, const chat_events_t *events,
                                  void *context);
/* Closes; with linger_ms > 0 first waits up to that long for what is queued to be written. No event comes any
 * more, whatever the server says meanwhile, but on_closed. */
void chat_session_close(chat_session_t *session, uint64_t linger_ms);

/* Puts the message in the outbox and sends it when online. Mints an id when message->id is empty and writes
 * it there. ERR_BUSY when the outbox is full. */
err_t chat_session_send(chat_session_t *session, message_t *message);
/* The same for one that an earlier session may have sent under this id already: the server is told so. */
err_t chat_session_send_again(chat_session_t *session, message_t *message);
/* Best effort; dropped when offline, and while messages wait for a server that reads slowly. */
void chat_session_partial(chat_session_t *session, const char *destination, const char *id, const char *text,
                          size_t length);
void chat_session_got(chat_session_t *session, const char *sender, const char *id);
/* ERR_CLOSED when offline. */
err_t chat_session_command(chat_session_t *session, command_t command);
bool chat_session_is_online(const chat_session_t *session);
const char *chat_session_username(const chat_session_t *session);  /* as the server normalised it */
size_t chat_session_unacknowledged(const chat_session_t *session); /* in the outbox */
size_t chat_session_queued(const chat_session_t *session); /* bytes that the server has not taken yet */
/* The receiver is slow: stop reading from the server (true) until told otherwise. */
void chat_session_pause(chat_session_t *session, bool pause);

#endif
