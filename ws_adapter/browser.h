/* One browser: its WebSocket, and its JSON session to the chat server. It ends when both are gone. */
#ifndef P2P_WS_BROWSER_H
#define P2P_WS_BROWSER_H
#include "common/chat_session.h"
#include "envelope.h"
#include "outgoing.h"
#include "server_list.h"
#include <libwebsockets.h>
#include <sys/queue.h>

typedef struct browser browser_t;
typedef TAILQ_HEAD(browsers, browser) browsers_t;

/* What all browsers share. */
typedef struct {
    uv_loop_t *loop;
    const log_t *log;
    const server_list_t *servers;
    browsers_t browsers;
} browser_world_t;

typedef enum { BROWSER_NEW, BROWSER_LOGGING_IN, BROWSER_ONLINE } browser_state_t;

struct browser {
    TAILQ_ENTRY(browser) in_world;
    browser_world_t *world;
    struct lws *wsi;         /* NULL once the WebSocket is gone */
    chat_session_t *session; /* NULL while there is none */
    browser_state_t state;
    bool says_got; /* acknowledges by itself */
    char *wanted;  /* the username of its login, NULL before */
    server_address_t server;
    uint64_t since;

    buffer_t input; /* the message that is coming in */
    size_t max_message_bytes;
    size_t commands; /* asked of the server and not answered yet */
    size_t messages; /* handed over and not acknowledged yet, as last counted */
    size_t held;     /* their bytes, about: which of them a receipt is for isn't looked up */
    bool input_paused;

    outgoing_t outgoing;
    buffer_t text; /* of the frame that is being written */
    bool output_paused;
    uint64_t paused_since;

    int close_code; /* not 0: closes once what is queued has been written */
    bool close_said;
    uint64_t closing_since;
    roster_t roster;
};

/* Events of the WebSocket. */
browser_t *browser_new(browser_world_t *world, struct lws *wsi);
void browser_on_receive(browser_t *browser, const char *data, size_t length);
int browser_on_writable(browser_t *browser); /* what the library's callback is to return */
void browser_on_closed(browser_t *browser);
/* Once a second: what has lasted too long. */
void browser_tick(browser_t *browser);

/* Closes when all that is queued has been written. */
void browser_close(browser_t *browser, int code);
/* Tells the browser an error. */
void browser_error(browser_t *browser, const char *code, const char *text);
/* Queues browser->text, filled by a writer that gave err. sender, id: acknowledged when written, may be
 * NULL. */
void browser_send(browser_t *browser, err_t err, const char *sender, const char *id);
/* Begins a frame: clears browser->text and gives it. */
buffer_t *browser_begin(browser_t *browser);

/* Stops reading from the browser while the server is behind, and goes on when it isn't. */
void browser_pace_input(browser_t *browser);

/* browser_session.c: the way to the server. Opens it for the username wanted; not before a session of that
 * name that a browser has just left has ended, or a page that is loaded again would find its own name
 * taken. */
void browser_session_open(browser_t *browser);
/* Frees the browser when nothing is left of it. */
void browser_release(browser_t *browser);

#endif
