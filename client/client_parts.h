/* The inside of the client, shared by client.c (its life), client_session.c (what the server says) and
 * client_lines.c (what is typed or read). */
#ifndef P2P_CLIENT_CLIENT_PARTS_H
#define P2P_CLIENT_CLIENT_PARTS_H
#include "client.h"
#include "common/chat_session.h"
#include "completion.h"
#include "reader.h"
#include "roster.h"
#include "sent.h"
#include "terminal.h"
#include "unwritten.h"
#include "view.h"
#include "writer.h"

typedef enum {
    PHASE_NAME,      /* asks for a username */
    PHASE_CHAT,      /* has a session, which may be offline */
    PHASE_FINISHING, /* waits for receipts, and for the output to take everything */
    PHASE_CLOSING,   /* closes the session, then the rest */
} phase_t;

enum { CLIENT_SIGNALS = 5, CLIENT_LINE_BYTES = 1024 * 1024 };

struct client {
    uv_loop_t *loop;
    const config_t *config;
    phase_t phase;
    int status; /* exit_status_t */

    chat_session_t *session; /* NULL before login, and once it is closed */
    bool ever_online, offline_shown;
    bool output_paused;  /* the session waits for a slow output */
    unsigned asked;      /* commands without an answer yet */
    bool last_check;     /* at the end: what is still on its way to us? */
    size_t failed_lines; /* wrong lines, refused messages, commands without an answer */
    size_t max_message_bytes;

    view_t *view;
    roster_t *roster;
    sent_t *sent;
    unwritten_t *unwritten;
    completion_t completion;

    terminal_t *terminal; /* of a person, or NULL */
    reader_t *reader;     /* of a filter, or NULL; so are the writers */
    writer_t *output, *notices;
    bool output_failed;

    uv_timer_t settle;   /* receipts are shown together */
    uv_timer_t patience; /* no progress for too long */
    uv_signal_t signals[CLIENT_SIGNALS];
    int signal_count;
    bool hurry; /* waits for nobody any more */
    bool parts_closing;
};

/* client.c */
void client_open_session(client_t *client, const char *username);
/* Empties the view into the outputs. */
void client_flush(client_t *client);
void client_update_prompt(client_t *client);
void client_ask_name(client_t *client);
void client_problem(client_t *client, const char *code, const char *text, size_t line);
/* Something that a leaving client may have waited for has happened. */
void client_progress(client_t *client);
void client_close(client_t *client);
/* The session is gone: asks for another name, or closes the rest. */
void client_session_gone(client_t *client);
/* Bytes that the output has not taken yet. */
uint64_t client_backlog(const client_t *client);

/* client_session.c */
extern const chat_events_t client_session_events;
/* Says `got` for what is written. */
void client_acknowledge_written(client_t *client);

/* client_lines.c */
void client_on_typed(void *context, const char *line, size_t length);
bool client_on_line(void *context, const char *line, size_t length, size_t number);
void client_on_too_long(void *context, size_t number);

#endif
