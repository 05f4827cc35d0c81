/* What a model's server says, as events and as a whole, and the files that the bot keeps. The first byte says which. */
#include "common/text.h"
#include "fuzz.h"
#include "openai_bot/answer.h"
#include "openai_bot/budget.h"
#include "openai_bot/failure.h"
#include "openai_bot/users.h"

enum { MAX_BYTES = 256, TOKENS = 1000 };

static void check_answer(const answer_t *answer)
{
    FUZZ_CHECK(answer->text.length <= MAX_BYTES);
    FUZZ_CHECK(text_is_message(buffer_text(&answer->text), answer->text.length));
    FUZZ_CHECK(answer->tokens >= -1);
}

/* An event a line. */
static void read_events(const char *text, size_t size)
{
    answer_t answer;
    buffer_t line;
    bool more = true;
    answer_init(&answer, MAX_BYTES);
    buffer_init(&line, 0);
    while (more && size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end != NULL ? (size_t)(end - text) : size;
        buffer_clear(&line);
        buffer_append(&line, text, length);
        more = answer_take_event(&answer, buffer_text(&line), length);
        check_answer(&answer);
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
    buffer_free(&line);
    answer_free(&answer);
}

static void read_whole(const char *text, size_t size)
{
    answer_t answer;
    buffer_t out, body;
    buffer_init(&out, 0);
    buffer_init(&body, 0);
    buffer_append(&body, text, size);
    answer_init(&answer, MAX_BYTES);
    answer_take_whole(&answer, buffer_text(&body), size);
    check_answer(&answer);
    answer_free(&answer);
    static const int statuses[] = {200, 400, 401, 404, 429, 500};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        failure_t failure = failure_of_status(statuses[i], buffer_text(&body), size);
        failure_is_about(statuses[i], buffer_text(&body), "stream_options");
        FUZZ_CHECK((failure == FAILURE_NONE) == (statuses[i] == 200));
        if (failure != FAILURE_NONE)
            FUZZ_CHECK(failure_write(failure, 1, &out) == ERR_OK);
    }
    buffer_free(&out);
    buffer_free(&body);
}

static void read_users(const char *text, size_t size)
{
    users_t *users = users_new(personalities_at(0), TOKENS), *again = users_new(personalities_at(0), TOKENS);
    buffer_t first, second;
    buffer_init(&first, 0);
    buffer_init(&second, 0);
    if (users_read(users, text, size) == ERR_OK) {
        FUZZ_CHECK(users_count(users) <= USERS_MAX);
        FUZZ_CHECK(users_write(users, &first) == ERR_OK);
        FUZZ_CHECK(users_read(again, first.data, first.length) == ERR_OK);
        FUZZ_CHECK(users_write(again, &second) == ERR_OK && strcmp(first.data, second.data) == 0);
    }
    buffer_free(&first);
    buffer_free(&second);
    users_free(users);
    users_free(again);
}

static void read_budget(const char *text, size_t size)
{
    budget_t *budget = budget_new(TOKENS, 10 * TOKENS), *again = budget_new(TOKENS, 10 * TOKENS);
    buffer_t first, second;
    buffer_init(&first, 0);
    buffer_init(&second, 0);
    if (budget_read(budget, text, size) == ERR_OK) {
        FUZZ_CHECK(budget_write(budget, &first) == ERR_OK);
        FUZZ_CHECK(budget_read(again, first.data, first.length) == ERR_OK);
        FUZZ_CHECK(budget_write(again, &second) == ERR_OK && strlen(first.data) == strlen(second.data));
    }
    buffer_free(&first);
    buffer_free(&second);
    budget_free(budget);
    budget_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *text, size_t size) = {read_events, read_whole, read_users,
                                                                     read_budget};
    unsigned which = fuzz_byte(&data, &size) % 4;
    readers[which]((const char *)data, size);
    return 0;
}
