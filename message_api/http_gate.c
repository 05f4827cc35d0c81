#include "http_gate.h"
#include "../common/text.h"
#include "answers.h"
#include "http_server.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    unsigned lengths, encodings;
    bool chunked;
    bool odd_name; /* "Content-Length : 5": one program sees a length in it, another doesn't */
} framing_t;

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    framing_t *framing = context;
    if (name[strcspn(name, " \t")] != '\0')
        framing->odd_name = true;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
        framing->lengths++;
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->encodings++;
        framing->chunked = value != NULL && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

static const char *header(const http_call_t *call, const char *name)
{
    return MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, name);
}

bool http_gate_expects_continue(const http_call_t *call)
{
    const char *expect = header(call, MHD_HTTP_HEADER_EXPECT);
    return expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

bool http_gate_token_fits(const char *authorization, const char *token)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *given = authorization + sizeof scheme - 1;
    return text_equal_secret(given + strspn(given, " "), token);
}

bool http_gate_is_json(const char *content_type)
{
    if (content_type == NULL)
        return false;
    size_t length = strcspn(content_type, ";");
    text_trim(&content_type, &length);
    return text_is_word(content_type, length, "application/json");
}

/* Where a request ends must be beyond doubt: what a proxy in front of us sees as one may be two to us. */
static bool check_framing(http_call_t *call)
{
    framing_t framing = {0};
    MHD_get_connection_values(call->mhd, MHD_HEADER_KIND, on_header, &framing);
    bool sound = framing.lengths + framing.encodings <= 1 && (framing.encodings == 0 || framing.chunked);
    if (sound && !framing.odd_name)
        return true;
    call->must_close = true;
    answer_problem(call, MHD_HTTP_BAD_REQUEST, "invalid_framing",
                   "it is not certain where this request ends: a body has one Content-Length or is chunked");
    return false;
}

/* A web page from elsewhere must not read or empty mailboxes through somebody's browser. Others than browsers don't
 * send this header. */
static bool check_site(http_call_t *call)
{
    const char *site = header(call, "Sec-Fetch-Site");
    if (site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0)
        return true;
    answer_problem(call, MHD_HTTP_FORBIDDEN, "cross_site", "a page of another site may not use this");
    return false;
}

static bool check_route(http_call_t *call, const char *method, const char *path)
{
    const http_options_t *options = &call->server->options;
    route_match_t match;
    switch (route_find(options->routes, options->route_count, method, path, &match)) {
    case ROUTE_FOUND:
        call->route = match.route;
        call->parameter = match.parameter;
        call->parameter_length = match.parameter_length;
        return true;
    case ROUTE_NO_METHOD:
        answer_not_allowed(call, match.allow);
        return false;
    case ROUTE_NO_PATH:
    default:
        answer_error(call, ERR_NOT_FOUND);
        return false;
    }
}

static bool check_token(http_call_t *call)
{
    const char *token = call->server->options.token;
    if (token[0] == '\0' || !call->route->needs_token ||
        http_gate_token_fits(header(call, MHD_HTTP_HEADER_AUTHORIZATION), token))
        return true;
    log_warning(call->server->options.log, "call_refused", "route=%s why=%s", call->route->pattern,
                "no token, or a wrong one"); /* somebody may be guessing */
    answer_error(call, ERR_UNAUTHORIZED);
    return false;
}

static void check_body(http_call_t *call)
{
    if (call->route->body == ROUTE_NO_BODY)
        return;
    const char *length = header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding = header(call, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (length == NULL && header(call, MHD_HTTP_HEADER_TRANSFER_ENCODING) == NULL) {
        call->must_close = true; /* a body may follow all the same */
        answer_problem(call, MHD_HTTP_LENGTH_REQUIRED, "length_required",
                       "a body is needed, with its length");
    } else if (!http_gate_is_json(header(call, MHD_HTTP_HEADER_CONTENT_TYPE)) ||
               (coding != NULL && strcasecmp(coding, "identity") != 0)) {
        answer_problem(call, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type",
                       "the body must be application/json, not compressed");
    } else if (length != NULL &&
               strtoull(length, NULL, 10) > call->server->options.body_bytes[call->route->body]) {
        answer_too_large(call);
    }
}

void http_gate_check(http_call_t *call, const char *method, const char *path)
{
    if (check_framing(call) && check_site(call) && check_route(call, method, path) && check_token(call))
        check_body(call);
}
