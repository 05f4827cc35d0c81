#include "answers.h"
#include "../common/json.h"
#include <stdio.h>

void answer_json(http_call_t *call, buffer_t *json, err_t made)
{
    http_call_answer(call, MHD_HTTP_OK, json, made, NULL);
}

typedef struct {
    err_t err;
    int status;
} error_status_t;

static const error_status_t statuses[] = {
    {ERR_NOT_JSON, MHD_HTTP_BAD_REQUEST},
    {ERR_UNAUTHORIZED, MHD_HTTP_UNAUTHORIZED},
    {ERR_NOT_FOUND, MHD_HTTP_NOT_FOUND},
    {ERR_STALE_EPOCH, MHD_HTTP_CONFLICT},
    {ERR_MAILBOX_FULL, MHD_HTTP_TOO_MANY_REQUESTS},
    {ERR_DISK_FULL, MHD_HTTP_INSUFFICIENT_STORAGE},
};

/* Whatever else goes wrong passes: the client may try again. */
int answer_status(err_t err)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].err == err)
            return statuses[i].status;
    }
    return MHD_HTTP_SERVICE_UNAVAILABLE;
}

static http_header_t header_of_status(int status)
{
    switch (status) {
    case MHD_HTTP_UNAUTHORIZED:
        return (http_header_t){MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer"};
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return (http_header_t){MHD_HTTP_HEADER_RETRY_AFTER, "1"};
    default:
        return (http_header_t){0};
    }
}

static err_t write_problem(buffer_t *json, const char *code, const char *sentence)
{
    err_t err = buffer_append_char(json, '{');
    if (err == ERR_OK)
        err = json_append_member(json, "detail", sentence);
    if (err == ERR_OK)
        err = json_append_member(json, "code", code);
    return err == ERR_OK ? buffer_append_char(json, '}') : err;
}

static void answer_with(http_call_t *call, int status, const char *code, const char *sentence,
                        const http_header_t *header)
{
    buffer_t json;
    buffer_init(&json, 0);
    err_t made = write_problem(&json, code, sentence);
    http_call_answer(call, status, &json, made, header);
}

void answer_problem(http_call_t *call, int status, const char *code, const char *sentence)
{
    http_header_t header = header_of_status(status);
    answer_with(call, status, code, sentence, &header);
}

void answer_error(http_call_t *call, err_t err)
{
    answer_problem(call, answer_status(err), err_code(err), err_text(err));
}

void answer_not_allowed(http_call_t *call, const char *allow)
{
    http_header_t header = {.name = MHD_HTTP_HEADER_ALLOW};
    snprintf(header.value, sizeof header.value, "%s", allow);
    answer_with(call, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
                "this path does not have that method", &header);
}

void answer_too_large(http_call_t *call)
{
    answer_problem(call, MHD_HTTP_CONTENT_TOO_LARGE, "too_large", "the body is too large");
}

void answer_details(http_call_t *call, details_t *details)
{
    buffer_t json;
    buffer_init(&json, 0);
    err_t made = details_append(details, &json);
    details_free(details);
    http_call_answer(call, MHD_HTTP_UNPROCESSABLE_CONTENT, &json, made, NULL);
}
