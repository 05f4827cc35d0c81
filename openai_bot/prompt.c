#include "prompt.h"
#include "common/json.h"
#include <string.h>

size_t prompt_tokens(const prompt_t *prompt)
{
    return conversation_estimate(strlen(prompt->personality->instructions)) +
           conversation_tokens(prompt->conversation) + conversation_estimate(strlen(prompt->question));
}

static err_t write_message(buffer_t *out, const char *role, const char *content)
{
    err_t err = buffer_append_char(out, '{');

    if (err == ERR_OK)
        err = json_append_member(out, "role", role);
    if (err == ERR_OK)
        err = json_append_member(out, "content", content);
    return err == ERR_OK ? buffer_append_char(out, '}') : err;
}

static err_t write_messages(const prompt_t *prompt, buffer_t *out)
{
    err_t err = buffer_append_text(out, ",\"messages\":[");

    if (err == ERR_OK)
        err = write_message(out, "system", prompt->personality->instructions);
    if (err == ERR_OK)
        err = buffer_append_char(out, ',');
    if (err == ERR_OK)
        err = conversation_append_json(prompt->conversation, out);
    if (err == ERR_OK)
        err = write_message(out, "user", prompt->question);
    return err == ERR_OK ? buffer_append_char(out, ']') : err;
}

err_t prompt_write(const prompt_t *prompt, buffer_t *out)
{
    err_t err = buffer_append_char(out, '{');

    if (err == ERR_OK)
        err = json_append_member(out, "model", prompt->model);
    if (err == ERR_OK)
        err = json_append_integer(out, prompt->is_openai ? "max_completion_tokens" : "max_tokens",
                                  prompt->answer_tokens);
    if (err == ERR_OK)
        err = write_messages(prompt, out);
    return err == ERR_OK ? buffer_append_char(out, '}') : err;
}
