#include "api.h"
#include "answers.h"
#include "request_reader.h"

const route_t api_routes[] = {
    {"POST", "/messages", route_post_message, ROUTE_BODY, true},
    {"GET", "/messages/{username}", route_get_messages, ROUTE_NO_BODY, true},
    {"POST", "/v1/messages", route_put_batch, ROUTE_BATCH, true},
    {"POST", "/v1/claims", route_claim, ROUTE_BODY, true},
    {"GET", "/v1/mailboxes/{username}", route_read_mailbox, ROUTE_NO_BODY, true},
    {"POST", "/v1/acknowledgements", route_acknowledge, ROUTE_BATCH, true},
    {"POST", "/v1/received", route_receive, ROUTE_BATCH, true},
    {"GET", "/health", route_health, ROUTE_NO_BODY, false},
    {"GET", "/openapi.json", route_openapi, ROUTE_NO_BODY, false},
};

const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];

cJSON *api_body(http_call_t *call)
{
    const char *text = buffer_text(&call->body);
    size_t messages = call->route->body == ROUTE_BATCH ? STORE_MAX_PUT : 1;
    if (!request_has_at_most(text, call->body.length, request_most_values(messages))) {
        answer_too_large(call);
        return NULL;
    }
    err_t why;
    cJSON *json = json_parse_why(text, call->body.length, &why);
    if (why == ERR_NO_MEMORY)
        answer_error(call, why);
    else if (json == NULL)
        answer_problem(call, MHD_HTTP_BAD_REQUEST, err_code(ERR_NOT_JSON), "the body is not valid JSON");
    return json;
}
