#include "answer.h"
#include "common/json.h"
#include "common/text.h"
#include "surrogates.h"
#include <string.h>

static const char CUT_MARK[] = "…";
static const int64_t MOST_TOKENS = 1000000000;

void answer_init(answer_t *answer, size_t max_bytes)
{
    memset(answer, 0, sizeof(*answer));
    answer->max_bytes = max_bytes;
    answer->tokens = -1;
    buffer_init(&answer->text, 0); /* max_bytes bounds it */
}

void answer_free(answer_t *answer)
{
    buffer_free(&answer->text);
}

void answer_clear(answer_t *answer)
{
    size_t max_bytes = answer->max_bytes;

    answer_free(answer);
    answer_init(answer, max_bytes);
}

/* The length of the control character at `text`, 0 when it is one that a message may hold. */
static size_t unwanted(const unsigned char *text, size_t length)
{
    if (text[0] == '\n' || text[0] == '\t')
        return 0;
    if (text[0] < 0x20 || text[0] == 0x7f)
        return 1;
    return text[0] == 0xc2 && length > 1 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}

static void add_clean(answer_t *answer, const char *text, size_t length)
{
    while (length > 0) {
        size_t skip = unwanted((const unsigned char *)text, length), run = 0;

        while (skip == 0 && run < length &&
               (skip = unwanted((const unsigned char *)text + run, length - run)) == 0)
            run++;
        if (buffer_append(&answer->text, text, run) != ERR_OK)
            answer->rubbish = true;
        text += run + skip;
        length -= run + skip;
    }
}

static void cut(answer_t *answer)
{
    size_t mark = sizeof(CUT_MARK) - 1;

    if (answer->text.length <= answer->max_bytes)
        return;
    answer->too_long = answer->full = true;
    answer->text.length = text_cut(answer->text.data, answer->text.length,
                                   answer->max_bytes > mark ? answer->max_bytes - mark : 0);
    answer->text.data[answer->text.length] = '\0';
    if (answer->max_bytes >= mark && buffer_append(&answer->text, CUT_MARK, mark) != ERR_OK)
        answer->rubbish = true;
}

static void take_reason(answer_t *answer, const cJSON *choice)
{
    const char *reason = json_string(choice, "finish_reason");

    if (!reason)
        return;
    answer->finished = true;
    answer->too_long = answer->too_long || strcmp(reason, "length") == 0;
    answer->withheld = strcmp(reason, "content_filter") == 0;
}

static int64_t count_of(const cJSON *usage, const char *member)
{
    int64_t tokens;

    if (!json_integer(usage, member, &tokens) || tokens < 0)
        return -1;
    return tokens < MOST_TOKENS ? tokens : MOST_TOKENS;
}

/* Some servers say the parts alone. */
static void take_usage(answer_t *answer, const cJSON *json)
{
    const cJSON *usage = cJSON_GetObjectItemCaseSensitive(json, "usage");

    if (!cJSON_IsObject(usage))
        return;
    int64_t all = count_of(usage, "total_tokens"), prompt = count_of(usage, "prompt_tokens"),
            completion = count_of(usage, "completion_tokens");
    if (all >= 0)
        answer->tokens = all;
    else if (prompt >= 0 && completion >= 0)
        answer->tokens = prompt + completion;
}

/* member: "delta" of a chunk, "message" of a whole completion. */
static void take_object(answer_t *answer, const cJSON *json, const char *member)
{
    const cJSON *choices = cJSON_GetObjectItemCaseSensitive(json, "choices");
    const cJSON *choice = cJSON_GetArrayItem(choices, 0);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");

    if (error && !cJSON_IsNull(error))
        answer->failure = failure_of_code(json_string(error, "code"));
    else if (!cJSON_IsArray(choices))
        answer->rubbish = true;
    if (answer->failure != FAILURE_NONE || answer->rubbish)
        return;
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(choice, member);
    const char *content = part ? json_string(part, "content") : NULL;
    if (content)
        add_clean(answer, content, strlen(content));
    if (choice)
        take_reason(answer, choice);
    take_usage(answer, json);
    cut(answer);
}

bool answer_take_event(answer_t *answer, const char *data, size_t length)
{
    if (text_is_word(data, length, "[DONE]")) {
        answer->ended = true;
        return true;
    }
    buffer_t whole;
    buffer_init(&whole, 0);
    cJSON *json = NULL;
    if (surrogates_mend(&whole, data, length, &answer->half) == ERR_OK)
        json = json_parse(buffer_text(&whole), whole.length);
    if (cJSON_IsObject(json))
        take_object(answer, json, "delta");
    else
        answer->rubbish = true;
    cJSON_Delete(json);
    buffer_free(&whole);
    return answer->failure == FAILURE_NONE && !answer->rubbish && !answer->full;
}

void answer_take_whole(answer_t *answer, const char *body, size_t length)
{
    cJSON *json = json_parse(body, length);

    if (cJSON_IsObject(json))
        take_object(answer, json, "message");
    else
        answer->rubbish = true;
    cJSON_Delete(json);
    answer->ended = answer->failure == FAILURE_NONE && !answer->rubbish;
}

bool answer_has_text(const answer_t *answer)
{
    const char *text = buffer_text(&answer->text);

    return text[strspn(text, " \t\n")] != '\0';
}
