#include "common/json.h"
#include "openai_bot/prompt.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void oldest_turns_go_first(void **state)
{
    /* Each turn is 3 + 4 tokens for a text of 12 bytes, twice. */
    conversation_t *conversation = conversation_new(28);
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    conversation_add(conversation, "question one", "answer \"one\"");
    assert_int_equal(conversation_tokens(conversation), 14);
    conversation_add(conversation, "question two", "answer\ntwo..");
    conversation_add(conversation, "question 3..", "answer 3....");
    assert_int_equal(conversation_turns(conversation), 2);
    assert_int_equal(conversation_tokens(conversation), 28);
    assert_int_equal(conversation_append_json(conversation, &out), ERR_OK);
    assert_string_equal(buffer_text(&out), "{\"role\":\"user\",\"content\":\"question two\"},"
                                           "{\"role\":\"assistant\",\"content\":\"answer\\ntwo..\"},"
                                           "{\"role\":\"user\",\"content\":\"question 3..\"},"
                                           "{\"role\":\"assistant\",\"content\":\"answer 3....\"},");
    conversation_reset(conversation);
    assert_int_equal(conversation_turns(conversation), 0);
    assert_int_equal(conversation_tokens(conversation), 0);

    /* One that alone is too large leaves nothing; a small one fits again. */
    conversation_add(conversation, "one", "two");
    conversation_add(conversation,
                     "a question that is much longer than all of the budget there is, and longer still", "a");
    assert_int_equal(conversation_turns(conversation), 0);
    conversation_add(conversation, "one", "two");
    assert_int_equal(conversation_turns(conversation), 1);
    buffer_free(&out);
    conversation_free(conversation);
}

static void prompt_is_what_the_api_wants(void **state)
{
    conversation_t *conversation = conversation_new(1000);
    prompt_t prompt = {"some \"model\"",     true, 77, personalities_find("Spanish", 7), conversation,
                       "  two\n\"lines\"\\ "};
    buffer_t out;

    (void)state;
    conversation_add(conversation, "before", "yes");
    buffer_init(&out, 0);
    assert_int_equal(prompt_write(&prompt, &out), ERR_OK);
    cJSON *json = json_parse(buffer_text(&out), out.length);
    assert_non_null(json);
    assert_string_equal(json_string(json, "model"), "some \"model\"");
    int64_t bound;
    assert_true(json_integer(json, "max_completion_tokens", &bound));
    assert_int_equal(bound, 77);
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(json, "messages");
    static const char *const roles[] = {"system", "user", "assistant", "user"};
    assert_int_equal(cJSON_GetArraySize(messages), 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(json_string(cJSON_GetArrayItem(messages, i), "role"), roles[i]);
    assert_string_equal(json_string(cJSON_GetArrayItem(messages, 0), "content"),
                        prompt.personality->instructions);
    assert_string_equal(json_string(cJSON_GetArrayItem(messages, 3), "content"), prompt.question);
    cJSON_Delete(json);

    prompt.is_openai = false; /* the name that all others know */
    buffer_clear(&out);
    assert_int_equal(prompt_write(&prompt, &out), ERR_OK);
    assert_non_null(strstr(buffer_text(&out), "\"max_tokens\":77"));
    buffer_free(&out);
    conversation_free(conversation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_turns_go_first),
        cmocka_unit_test(prompt_is_what_the_api_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
