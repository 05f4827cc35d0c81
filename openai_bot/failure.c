#include "failure.h"
#include "common/json.h"
#include <string.h>

static const struct {
    const char *name;
    bool passing;
    const char *sentence;
} TABLE[] = {
    [FAILURE_NONE] = {"none", false, ""},
    [FAILURE_ADDRESS] = {"address", false,
                         "I was told a wrong address of the model. Whoever runs this chat has to check "
                         "OPENAI_BASE_URL."},
    [FAILURE_UNREACHABLE] = {"unreachable", true,
                             "I can't reach the model at the moment. Please try again later."},
    [FAILURE_TIMEOUT] = {"timeout", true, "The model did not answer in time. Please try again later."},
    [FAILURE_KEY] = {"key", false,
                     "The model's server does not accept my key. Whoever runs this chat has to check "
                     "OPENAI_API_KEY."},
    [FAILURE_MODEL] = {"model", false,
                       "The model that I was told to ask is not there. Whoever runs this chat has to check "
                       "OPENAI_MODEL and OPENAI_BASE_URL."},
    [FAILURE_BUSY] = {"busy", true, "The model is asked too much at the moment."},
    [FAILURE_QUOTA] =
        {"quota", false,
         "The account that pays for the model is used up. Whoever runs this chat has to look after "
         "it."},
    [FAILURE_REFUSED] =
        {"refused", false,
         "The model's server did not accept the question. It may be too long; `reset` makes me "
         "forget what was said before."},
    [FAILURE_SERVER] = {"server", true,
                        "The model's server has a fault at the moment. Please try again later."},
    [FAILURE_RUBBISH] = {"rubbish", false,
                         "The model's server gave an answer that makes no sense. Please try again "
                         "later."},
    [FAILURE_CUT] = {"cut", true,
                     "The connection to the model broke before its answer came. Please try again."},
    [FAILURE_EMPTY] = {"empty", false, "The model had nothing to say to that."},
};

failure_t failure_of_code(const char *code)
{
    static const struct {
        const char *code;
        failure_t failure;
    } table[] = {
        {"invalid_api_key", FAILURE_KEY},      {"insufficient_quota", FAILURE_QUOTA},
        {"model_not_found", FAILURE_MODEL},    {"context_length_exceeded", FAILURE_REFUSED},
        {"rate_limit_exceeded", FAILURE_BUSY},
    };

    for (size_t i = 0; code && i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(code, table[i].code) == 0)
            return table[i].failure;
    return FAILURE_SERVER;
}

static bool is_out_of_quota(const char *body, size_t length)
{
    cJSON *json = json_parse(body, length);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");
    bool result = error && failure_of_code(json_string(error, "code")) == FAILURE_QUOTA;

    cJSON_Delete(json);
    return result;
}

failure_t failure_of_status(int status, const char *body, size_t length)
{
    static const struct {
        int status;
        failure_t failure;
    } table[] = {
        {401, FAILURE_KEY},    {403, FAILURE_KEY},    {404, FAILURE_MODEL},
        {408, FAILURE_SERVER}, {409, FAILURE_SERVER}, {425, FAILURE_SERVER},
    };

    if (status >= 200 && status <= 299)
        return FAILURE_NONE;
    if (status == 429)
        return is_out_of_quota(body, length) ? FAILURE_QUOTA : FAILURE_BUSY;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].failure;
    if (status >= 500)
        return FAILURE_SERVER;
    return status >= 400 ? FAILURE_REFUSED : FAILURE_ADDRESS;
}

bool failure_is_about(int status, const char *body, const char *member)
{
    return (status == 400 || status == 422) && strstr(body, member) != NULL;
}

failure_t failure_of_error(err_t err)
{
    switch (err) {
    case ERR_CONNECT:
    case ERR_RESOLVE:
        return FAILURE_UNREACHABLE;
    case ERR_TIMEOUT:
        return FAILURE_TIMEOUT;
    case ERR_TOO_LONG:
        return FAILURE_RUBBISH;
    default:
        return FAILURE_CUT;
    }
}

bool failure_is_passing(failure_t failure)
{
    return TABLE[failure].passing;
}

const char *failure_name(failure_t failure)
{
    return TABLE[failure].name;
}

err_t failure_write(failure_t failure, int64_t wait_ms, buffer_t *out)
{
    int64_t seconds = (wait_ms + 999) / 1000;
    err_t err = buffer_append_text(out, TABLE[failure].sentence);

    if (failure != FAILURE_BUSY || err != ERR_OK)
        return err;
    if (wait_ms < 0)
        return buffer_append_text(out, " Please try again in a minute.");
    if (seconds <= 120)
        return buffer_appendf(out, " Please try again in %lld second%s.", (long long)seconds,
                              seconds == 1 ? "" : "s");
    return buffer_appendf(out, " Please try again in %lld minutes.", (long long)((seconds + 59) / 60));
}
