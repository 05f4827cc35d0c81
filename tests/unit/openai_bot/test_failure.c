#include "openai_bot/failure.h"
#include "openai_bot/question.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_status_has_its_meaning(void **state)
{
    static const struct {
        int status;
        const char *body;
        failure_t failure;
        bool passing;
    } cases[] = {
        {200, "", FAILURE_NONE, false},
        {204, "", FAILURE_NONE, false},
        {301, "", FAILURE_ADDRESS, false},
        {400, "", FAILURE_REFUSED, false},
        {401, "", FAILURE_KEY, false},
        {403, "", FAILURE_KEY, false},
        {404, "", FAILURE_MODEL, false},
        {408, "", FAILURE_SERVER, true},
        {413, "", FAILURE_REFUSED, false},
        {429, "", FAILURE_BUSY, true},
        {429, "rubbish", FAILURE_BUSY, true},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", FAILURE_BUSY, true},
        {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", FAILURE_QUOTA, false},
        {500, "", FAILURE_SERVER, true},
        {503, "", FAILURE_SERVER, true},
        {529, "", FAILURE_SERVER, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(failure_of_status(cases[i].status, cases[i].body, strlen(cases[i].body)),
                         cases[i].failure);
        assert_int_equal(failure_is_passing(cases[i].failure), cases[i].passing);
    }
    assert_int_equal(failure_of_error(ERR_RESOLVE), FAILURE_UNREACHABLE);
    assert_int_equal(failure_of_error(ERR_TIMEOUT), FAILURE_TIMEOUT);
    assert_int_equal(failure_of_error(ERR_IO), FAILURE_CUT);
}

static void sentence_is(failure_t failure, int64_t wait_ms, const char *end)
{
    buffer_t out;

    buffer_init(&out, 0);
    assert_int_equal(failure_write(failure, wait_ms, &out), ERR_OK);
    assert_non_null(strstr(buffer_text(&out), end));
    buffer_free(&out);
}

static void waiting_is_told_in_words(void **state)
{
    (void)state;
    sentence_is(FAILURE_BUSY, -1, "again in a minute.");
    sentence_is(FAILURE_BUSY, 1, "again in 1 second.");
    sentence_is(FAILURE_BUSY, 120000, "again in 120 seconds.");
    sentence_is(FAILURE_BUSY, 121000, "again in 3 minutes.");
    sentence_is(FAILURE_KEY, -1, "OPENAI_API_KEY.");
}

static void a_refused_member_is_found(void **state)
{
    static const char vllm[] = "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"extra\"}]}";

    (void)state;
    assert_true(failure_is_about(400, "unknown field: stream_options", "stream_options"));
    assert_true(failure_is_about(422, vllm, "stream_options"));
    assert_false(failure_is_about(400, "{\"error\":{\"message\":\"too long\"}}", "stream_options"));
    assert_false(failure_is_about(500, vllm, "stream_options"));
    assert_false(failure_is_about(200, vllm, "stream_options"));
}

static void an_answers_id_is_made_of_its_question(void **state)
{
    char id[ID_SIZE], same[ID_SIZE], other[ID_SIZE];
    char longest[ID_SIZE];

    (void)state;
    memset(longest, 'x', ID_MAX);
    longest[ID_MAX] = '\0';
    question_answer_id("alice", "1", id);
    question_answer_id("alice", "1", same);
    assert_string_equal(id, same);
    assert_true(id_is_valid(id, strlen(id)));
    question_answer_id("bob", "1", other); /* two users may choose the same id */
    assert_string_not_equal(id, other);
    question_answer_id("alice", "2", other);
    assert_string_not_equal(id, other);
    question_answer_id("alice", longest, other);
    assert_true(id_is_valid(other, strlen(other)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_meaning),
        cmocka_unit_test(waiting_is_told_in_words),
        cmocka_unit_test(a_refused_member_is_found),
        cmocka_unit_test(an_answers_id_is_made_of_its_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
