/* What the program says about itself. */
#include "answers.h"
#include "api.h"

static void on_health(void *context, err_t err, const char *reason)
{
    http_call_t *call = context;
    if (err != ERR_OK) {
        const char *sentence = reason != NULL && reason[0] != '\0' ? reason : err_text(err);
        answer_problem(call, MHD_HTTP_SERVICE_UNAVAILABLE, err_code(err), sentence);
        return;
    }
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, buffer_append_text(&json, "{\"status\":\"ok\"}"));
}

void route_health(http_call_t *call)
{
    api_t *api = http_call_context(call);
    err_t err = store_health(api->store, on_health, call);
    if (err != ERR_OK)
        on_health(call, err, "");
}

void route_openapi(http_call_t *call)
{
    const api_t *api = http_call_context(call);
    buffer_t json;
    buffer_init(&json, 0);
    answer_json(call, &json, buffer_append(&json, api->openapi, api->openapi_length));
}
