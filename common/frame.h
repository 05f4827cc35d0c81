/* The frames of a JSON session (sections 4 of the design and the README's protocol chapter): one JSON object
 * a line. Pure: parses a line into a frame, and appends frames (with their newline) to a buffer. */
#ifndef P2P_FRAME_H
#define P2P_FRAME_H
#include "message.h"

typedef enum {
    FRAME_LOGIN,         /* client: username, token */
    FRAME_LOGIN_SUCCESS, /* server: username, users, max_message_bytes */
    FRAME_MESSAGE,       /* both: message, stored, resend */
    FRAME_RECEIPT,       /* server: id, status, code, reason */
    FRAME_GOT,           /* client: sender, id */
    FRAME_COMMAND,       /* client: command */
    FRAME_PRESENCE,      /* server: joined, left, online */
    FRAME_ERROR,         /* server: code, reason (member "message") */
    FRAME_PARTIAL,       /* both: sender or destination, id, text */
    FRAME_RESULT,        /* server: command, count ("stored"), users, online */
} frame_type_t;

typedef enum { RECEIPT_STORED, RECEIPT_DELIVERED, RECEIPT_REJECTED } receipt_status_t;
typedef enum { COMMAND_CHECK, COMMAND_USERS, COMMAND_PING } command_t;

/* Bytes of somebody else, without a NUL. */
typedef struct {
    const char *data;
    size_t length;
} span_t;

/* Pointers lead into `json`, which frame_free frees; `message` is owned. Members that a type doesn't have are
 * NULL or 0. */
typedef struct {
    frame_type_t type;
    cJSON *json;
    message_t message;
    bool stored, resend;
    const char *username, *token;          /* not yet normalised */
    const char *sender, *destination, *id; /* got, partial, receipt: id checked */
    const char *code, *reason, *text;
    receipt_status_t status;
    command_t command;
    const cJSON *users, *joined, *left; /* arrays of strings (checked) */
    int64_t online, count, max_message_bytes;
} frame_t;

typedef enum { FRAME_SIDE_SERVER, FRAME_SIDE_CLIENT } frame_side_t; /* who reads */

/* ERR_NOT_JSON, ERR_INVALID_FRAME, ERR_UNKNOWN_COMMAND, or the message's own error. On a message error *id
 * (may be NULL) is the id that the sender gave, if it is valid, so that the refusal can be a receipt. `out`
 * is untouched on error. A server reader takes FROM_CLIENT messages, a client reader FROM_PEER ones. */
err_t frame_parse(const char *line, size_t length, frame_side_t side, size_t max_message_bytes, frame_t *out,
                  char id[ID_SIZE]);
void frame_free(frame_t *frame);

const char *receipt_status_name(receipt_status_t status);
const char *command_name(command_t command);

/* Usernames as they stand in an array, written once for the frames of many: `"ann","bob"`. One more begins with a comma
 * unless it is the first; so does a piece from the middle, and the frames drop that. Borrowed. */
typedef struct {
    const char *text;
    size_t length;
} frame_names_t;
err_t frame_append_name(buffer_t *names, const char *username);

/* Each appends one line with its newline. */
err_t frame_write_login(buffer_t *out, const char *username, const char *token);
/* The online users are the others, then the user. */
err_t frame_write_login_success(buffer_t *out, const char *username, frame_names_t others,
                                size_t max_message_bytes);
/* stored/resend: adds the member when true. */
err_t frame_write_message(buffer_t *out, const message_t *message, bool stored, bool resend);
/* A chat message without metadata, of parts that need no escape. */
typedef struct {
    span_t id, sender, destination, text;
    const char *timestamp;
} frame_chat_t;
err_t frame_write_chat(buffer_t *out, const frame_chat_t *chat);
/* The receipt `delivered`; the id is a valid one. */
err_t frame_write_delivered(buffer_t *out, span_t id);
err_t frame_write_receipt(buffer_t *out, const char *id, receipt_status_t status, err_t why);
err_t frame_write_receipt_reason(buffer_t *out, const char *id, receipt_status_t status, const char *code,
                                 const char *reason);
err_t frame_write_got(buffer_t *out, const char *sender, const char *id);
err_t frame_write_command(buffer_t *out, command_t command);
err_t frame_write_presence(buffer_t *out, frame_names_t joined, frame_names_t left, size_t online);
err_t frame_write_error(buffer_t *out, err_t why);
/* A message that is still growing (an answer of the bot): text is all of it so far, at most 5 times a second; the
 * whole message comes at the end with the same id, as any message does. Never stored, never acknowledged, not for
 * text sessions. The peer's name goes under "destination" (client to server) or "sender" (server to client). */
err_t frame_write_partial(buffer_t *out, frame_side_t writer, const char *peer, const char *id,
                          const char *text, size_t length);
err_t frame_write_result_check(buffer_t *out, size_t stored);
err_t frame_write_result_users(buffer_t *out, const char *const *users, size_t count, size_t online);
err_t frame_write_result_ping(buffer_t *out);

#endif
