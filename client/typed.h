/* What a line that was typed, or read from a script, means. Pure. */
#ifndef P2P_CLIENT_TYPED_H
#define P2P_CLIENT_TYPED_H
#include "common/error.h"
#include "common/username.h"

typedef enum {
    TYPED_NOTHING, /* blank */
    TYPED_COMMAND, /* !word, or exit: word and length */
    TYPED_MESSAGE, /* destination, text, length */
    TYPED_WRONG,   /* code and why */
} typed_kind_t;

typedef struct {
    typed_kind_t kind;
    char destination[USERNAME_SIZE]; /* normalised */
    const char *text;                /* within the line */
    size_t length;
    const char *code, *why; /* constant texts */
} typed_t;

typed_t typed_parse(const char *line, size_t length, size_t max_message_bytes);

#endif
