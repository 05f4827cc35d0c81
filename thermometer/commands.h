/* What people can tell the thermometer. One table; the help is printed from it. Pure. */
#ifndef P2P_COMMANDS_H
#define P2P_COMMANDS_H
#include "common/buffer.h"

typedef enum {
    DO_SUBSCRIBE,
    DO_UNSUBSCRIBE,
    DO_RANGE,
    DO_REBOOT,
    DO_HELP,
} do_t;

/* In any case, with any white space around. What is no command asks for the help. */
do_t commands_parse(const char *text, size_t length);
const char *commands_name(do_t what);
/* A line for each command. */
err_t commands_append_help(buffer_t *out);

#endif
