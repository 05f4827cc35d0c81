/* The suite's one error enum. Functions that can fail return err_t; 0 is success.
 * The second column is the stable word that peers see ("code" in frames and API answers);
 * the third is a sentence for people. */
#ifndef P2P_ERROR_H
#define P2P_ERROR_H

#define ERR_MAP(X)                                                                                           \
    X(OK, "ok", "success")                                                                                   \
    X(NO_MEMORY, "no_memory", "out of memory")                                                               \
    X(IO, "io_error", "input or output failed")                                                              \
    X(CLOSED, "closed", "the connection is closed")                                                          \
    X(TIMEOUT, "timeout", "no answer in time")                                                               \
    X(CONNECT, "connect_failed", "cannot connect")                                                           \
    X(RESOLVE, "resolve_failed", "the host name cannot be resolved")                                         \
    X(NOT_JSON, "invalid_json", "this is not a JSON object")                                                 \
    X(INVALID_FRAME, "invalid_frame", "this frame does not fit the protocol")                                \
    X(TOO_LONG, "too_long", "the message is too long")                                                       \
    X(EMPTY, "empty", "the message is empty")                                                                \
    X(INVALID_TEXT, "invalid_text", "the text is not valid UTF-8 or holds control characters")               \
    X(INVALID_ID, "invalid_id", "an id is 1 to 64 characters of A-Z a-z 0-9 _ -")                            \
    X(INVALID_TYPE, "invalid_type", "the type is chat, command, notification or subscription")               \
    X(INVALID_METADATA, "invalid_metadata", "metadata is an object of at most 8 KiB")                        \
    X(INVALID_TIMESTAMP, "invalid_timestamp", "the timestamp is not ISO 8601 with offset")                   \
    X(USERNAME_INVALID, "username_invalid", "a username is 1 to 32 letters, digits, '_', '-' or '.'")        \
    X(USERNAME_RESERVED, "username_reserved", "this username is reserved")                                   \
    X(USERNAME_TAKEN, "username_taken", "this username is already taken")                                    \
    X(UNAUTHORIZED, "unauthorized", "a valid token is needed")                                               \
    X(RATE_LIMITED, "rate_limited", "too many requests")                                                     \
    X(MAILBOX_FULL, "mailbox_full", "the recipient's mailbox is full")                                       \
    X(STORE_UNAVAILABLE, "store_unavailable", "the message store cannot be reached")                         \
    X(DISK_FULL, "disk_full", "the disk of the message store is full")                                       \
    X(STALE_EPOCH, "stale_epoch", "another owner has claimed this mailbox since")                            \
    X(NOT_FOUND, "not_found", "not found")                                                                   \
    X(BUSY, "busy", "the server is at its limit, try again later")                                           \
    X(TOO_SLOW, "too_slow", "the peer does not read what it is sent")                                        \
    X(UNKNOWN_COMMAND, "unknown_command", "unknown command")                                                 \
    X(INVALID_SETTING, "invalid_setting", "a setting has an invalid value")                                  \
    X(HELP, "help", "help was asked for")                                                                    \
    X(EXPIRED, "expired", "the message was not accepted within a day")

typedef enum {
#define X(name, code, text) ERR_##name,
    ERR_MAP(X)
#undef X
} err_t;

/* The stable word, e.g. "too_long". Never NULL. */
const char *err_code(err_t err);
/* The sentence. Never NULL. */
const char *err_text(err_t err);
/* The enum of a stable word; ERR_IO for an unknown one. */
err_t err_from_code(const char *code);

#endif
