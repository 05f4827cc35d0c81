#include "openai_bot/answer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool take(answer_t *answer, const char *data)
{
    return answer_take_event(answer, data, strlen(data));
}

static void events_add_up(void **state)
{
    answer_t answer;

    (void)state;
    answer_init(&answer, 1000);
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}"));
    assert_false(answer_has_text(&answer));
    assert_true(
        take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"Gr\\u00fc\\u00dfe \\ud83d\\ude00\"}}]}"));
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"\\n2nd\"},\"finish_reason\":null}]}"));
    assert_false(answer.finished);
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}"));
    assert_true(answer.finished);
    assert_int_equal(answer.tokens, -1);
    assert_true(take(&answer, "{\"choices\":[],\"usage\":{\"total_tokens\":42}}"));
    assert_false(answer.ended);
    assert_true(take(&answer, "[DONE]"));
    assert_true(answer.ended);
    assert_int_equal(answer.tokens, 42);
    assert_string_equal(buffer_text(&answer.text), "Grüße 😀\n2nd");
    assert_false(answer.too_long || answer.failure != FAILURE_NONE || answer.rubbish || answer.withheld);

    answer_clear(&answer);
    assert_false(answer_has_text(&answer) || answer.ended || answer.finished);
    assert_int_equal(answer.tokens, -1);
    assert_true(take(&answer, "{\"choices\":[],\"usage\":{\"prompt_tokens\":30}}"));
    assert_int_equal(answer.tokens, -1);
    assert_true(take(&answer, "{\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":4}}"));
    assert_int_equal(answer.tokens, 34);
    answer_free(&answer);
}

static void split_characters_are_joined(void **state)
{
    answer_t answer;

    (void)state;
    answer_init(&answer, 1000);
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"a\\ud83d\"}}]}"));
    assert_string_equal(buffer_text(&answer.text), "a");
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"\\uDE00b\\\\ud83d\"}}]}"));
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"\\ude00\\ud83d\\ude01\\ud83dc\"}}]}"));
    assert_string_equal(buffer_text(&answer.text), "a😀b\\ud83d�😁c");
    answer_free(&answer);
}

static void control_characters_are_left_out(void **state)
{
    answer_t answer;

    (void)state;
    answer_init(&answer, 1000);
    take(&answer,
         "{\"choices\":[{\"delta\":{\"content\":\"\\u001b[31ma\\r\\n\\tb\\u0007\\u009b\\u007fc\\u00a0\"}}]}");
    assert_string_equal(buffer_text(&answer.text), "[31ma\n\tbc\u00a0");
    answer_free(&answer);
}

static void length_is_bounded(void **state)
{
    answer_t answer;

    (void)state;
    answer_init(&answer, 10);
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"123456789é\"}}]}") == false);
    assert_true(answer.full && answer.too_long);
    assert_string_equal(buffer_text(&answer.text), "1234567…");
    answer_free(&answer);

    answer_init(&answer, 10); /* é is bytes 7 and 8: it goes whole */
    assert_false(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"123456éé9\"}}]}"));
    assert_string_equal(buffer_text(&answer.text), "123456…");
    answer_free(&answer);

    answer_init(&answer, 10);
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{\"content\":\"1234567890\"}}]}"));
    assert_true(take(&answer, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}"));
    assert_true(answer.too_long && answer.finished && !answer.full);
    answer_free(&answer);
}

static void what_makes_no_sense_is_found(void **state)
{
    static const char *const rubbish[] = {
        "", "hello", "[]", "7", "{}", "{\"choices\":7}", "{\"choices\":[{\"delta\":", "[DONE"};
    static const char *const harmless[] = {
        "{\"choices\":[]}",
        "{\"choices\":[7]}",
        "{\"choices\":[{\"delta\":7}]}",
        "{\"choices\":[{\"delta\":{\"content\":7}}],\"usage\":7}",
        "{\"choices\":[{\"finish_reason\":7}],\"usage\":{\"total_tokens\":-1}}",
    };
    answer_t answer;

    (void)state;
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        answer_init(&answer, 100);
        assert_false(take(&answer, rubbish[i]));
        assert_true(answer.rubbish);
        answer_free(&answer);
    }
    answer_init(&answer, 100);
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        assert_true(take(&answer, harmless[i]));
    assert_false(answer_has_text(&answer) || answer.finished || answer.tokens >= 0);
    assert_false(take(&answer, "{\"error\":{\"message\":\"no\"}}"));
    assert_true(answer.failure == FAILURE_SERVER && !answer.rubbish);
    answer_clear(&answer);
    assert_false(take(&answer, "{\"error\":{\"code\":\"invalid_api_key\"}}"));
    assert_int_equal(answer.failure, FAILURE_KEY);
    answer_free(&answer);
}

static void whole_completions_do_as_well(void **state)
{
    static const char good[] = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},"
                               "\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":9}}";
    answer_t answer;

    (void)state;
    answer_init(&answer, 100);
    answer_take_whole(&answer, good, sizeof(good) - 1);
    assert_true(answer.ended && answer.finished);
    assert_string_equal(buffer_text(&answer.text), "hello");
    assert_int_equal(answer.tokens, 9);
    answer_clear(&answer);
    answer_take_whole(&answer, good, sizeof(good) - 2);
    assert_true(answer.rubbish && !answer.ended);
    answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_add_up),
        cmocka_unit_test(split_characters_are_joined),
        cmocka_unit_test(control_characters_are_left_out),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(what_makes_no_sense_is_found),
        cmocka_unit_test(whole_completions_do_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
