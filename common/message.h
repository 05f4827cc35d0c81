/* The message of section 2 of the design: one struct, one codec, for sessions, API and stores alike.
 * Strings are owned by the struct, NUL-terminated, checked. */
#ifndef P2P_MESSAGE_H
#define P2P_MESSAGE_H
#include "id.h"
#include "json.h"
#include "timestamp.h"
#include "username.h"

typedef enum { MESSAGE_CHAT, MESSAGE_COMMAND, MESSAGE_NOTIFICATION, MESSAGE_SUBSCRIPTION } message_type_t;

enum {
    MESSAGE_DEFAULT_MAX_BYTES = 16 * 1024, /* of `message`; P2P_MAX_MESSAGE_BYTES */
    MESSAGE_MAX_METADATA = 8 * 1024,       /* bytes of its compact print */
};

/* The largest line that a frame with such a message can be: every byte escaped as \u00XX, plus metadata,
 * names, member names. */
size_t message_max_line(size_t max_message_bytes);

typedef struct message {
    char id[ID_SIZE];           /* "" = none given yet */
    char sender[USERNAME_SIZE]; /* normalised; "" = none given */
    char destination[USERNAME_SIZE];
    char timestamp[TIMESTAMP_SIZE]; /* "" = none given */
    message_type_t type;
    size_t text_length;     /* bytes */
    size_t metadata_length; /* 2 for "{}" */
    char *text;             /* owned */
    char *metadata;         /* owned; compact JSON object, "{}" when empty */
} message_t;

const char *message_type_name(message_type_t type);
bool message_type_parse(const char *name, message_type_t *type);

/* Which members a reader insists on. */
typedef enum {
    MESSAGE_FROM_CLIENT, /* destination, message; sender and timestamp are ignored */
    MESSAGE_FROM_PEER,   /* everything (server to client, store to server) */
    MESSAGE_FROM_API,    /* sender, destination, message; the rest optional */
} message_source_t;

/* Fills *out (to be freed by message_free). On error *out is untouched and *field (may be NULL) names the
 * member at fault. A client's destination may be `all`. */
err_t message_from_json(const cJSON *object, message_source_t source, size_t max_message_bytes,
                        message_t *out, const char **field);
/* Makes a message of parts already checked; copies. metadata NULL = "{}". */
void message_make(message_t *out, const char *sender, const char *destination, const char *text,
                  size_t text_length, message_type_t type);
void message_set_metadata(message_t *message, const char *metadata);
void message_free(message_t *message);
/* Appends {"id":…,"sender":…,…} ; the members only, without braces, by message_append_members. */
err_t message_append_json(buffer_t *out, const message_t *message);
err_t message_append_members(buffer_t *out, const message_t *message);

#endif
