/* The frames that a busy client sends, a chat message and `got`, taken from their line without a copy: what a flood
 * consists of. Knows their plain form alone (each member once, strings without escapes, no metadata); everything else
 * is for frame_parse, which gives the same verdict on what is taken here. Pure. */
#ifndef P2P_FRAME_SCAN_H
#define P2P_FRAME_SCAN_H
#include "frame.h"

/* Parts of the line; length 0 = the member is not there. */
typedef struct {
    frame_type_t type;  /* FRAME_MESSAGE or FRAME_GOT */
    span_t id;          /* valid; a message need not have one */
    span_t sender;      /* got: not yet normalised */
    span_t destination; /* message: not yet normalised */
    span_t text;        /* message: as `message` may be; as JSON it needs no escape */
} frame_view_t;

/* As the server reads it. False, with *out as it was: not of the plain form, right or wrong. */
bool frame_scan(const char *line, size_t length, size_t max_message_bytes, frame_view_t *out);
/* The same of what a browser says to the web adapter: `recipient` is the destination, and a type must be there. */
bool frame_scan_envelope(const char *text, size_t length, size_t max_message_bytes, frame_view_t *out);

#endif
