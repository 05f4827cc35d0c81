/* The line that a component prints once it can serve: `ready host=127.0.0.1 port=5000`, or
 * `ready username=openai` from one that listens nowhere. Pure. */
#ifndef P2P_READY_LINE_H
#define P2P_READY_LINE_H
#include "endpoint.h"
#include <stdbool.h>

typedef struct {
    endpoint_t endpoint; /* host "" and port 0 when the line has none */
    char username[160];  /* "" when the line has none */
} ready_line_t;

/* True, and *out, when the line is one. Members that it does not know are skipped. */
bool ready_line_parse(const char *line, ready_line_t *out);

#endif
