/* What the browser and the adapter say to each other: one JSON object a WebSocket message (section 7 of
 * the design and the README). Pure: parses what a browser says, and appends what it is told to a buffer. */
#ifndef P2P_WS_ENVELOPE_H
#define P2P_WS_ENVELOPE_H
#include "common/frame.h"
#include "roster.h"

enum { ENVELOPE_MAX_BYTES = 64 * 1024 }; /* of a WebSocket message from a browser */

typedef enum {
    ENVELOPE_LOGIN,   /* username, says_got; server_host and server_port are in json */
    ENVELOPE_CHAT,    /* message: destination, text, id ("" = none given), metadata; resend */
    ENVELOPE_COMMAND, /* command */
    ENVELOPE_GOT,     /* sender, id */
} envelope_type_t;

/* username leads into `json`, which envelope_free frees; `message` is owned. */
typedef struct {
    envelope_type_t type;
    cJSON *json;          /* of a login, else perhaps NULL */
    const char *username; /* not yet normalised */
    bool says_got;        /* this browser acknowledges its messages itself */
    message_t message;
    bool resend; /* the message may have been sent before */
    command_t command;
    char sender[USERNAME_SIZE], id[ID_SIZE];
} envelope_t;

/* `out` is untouched on error; id is then that of the chat message at fault if it had a valid one, else
 * "". */
err_t envelope_parse(const char *text, size_t length, size_t max_message_bytes, envelope_t *out,
                     char id[ID_SIZE]);
void envelope_free(envelope_t *envelope);

/* Each appends one object. */
err_t envelope_write_login_success(buffer_t *out, const char *username, const roster_t *roster,
                                   size_t max_message_bytes);
/* roster NULL: the list is left out. online: how many, 0 = not known. */
err_t envelope_write_presence(buffer_t *out, bool joined, const char *username, const roster_t *roster,
                              size_t online);
/* chat, notification or stored; the message's own type stands under message_type. */
err_t envelope_write_message(buffer_t *out, const message_t *message, bool stored);
err_t envelope_write_receipt(buffer_t *out, const char *id, receipt_status_t status, const char *code,
                             const char *reason);
err_t envelope_write_result(buffer_t *out, const frame_t *result);
err_t envelope_write_error(buffer_t *out, const char *code, const char *text);
err_t envelope_write_partial(buffer_t *out, const char *sender, const char *id, const char *text);

#endif
