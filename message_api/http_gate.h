/* What is decided on a request's headers alone: is it sound HTTP, is there such a route, may the client use it, is
 * its body what the route takes. */
#ifndef P2P_HTTP_GATE_H
#define P2P_HTTP_GATE_H
#include "http_call.h"

/* Finds the call's route, or answers with what is wrong. */
void http_gate_check(http_call_t *call, const char *method, const char *path);
/* Does the client hold its body back until it is asked for? */
bool http_gate_expects_continue(const http_call_t *call);

/* "Bearer TOKEN" with the right token? NULL = there was none. Pure. */
bool http_gate_token_fits(const char *authorization, const char *token);
/* Is it application/json, with whatever parameters? NULL = not given. Pure. */
bool http_gate_is_json(const char *content_type);

#endif
