#include "questions.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "prompt.h"
#include <stdlib.h>
#include <string.h>

enum { BYTES_A_TOKEN = 16 }; /* of an answer, at most: for servers that don't keep to max_tokens */

/* The questions of one user; there is one only while there are questions. */
typedef struct line {
    questions_t *all;
    question_t *first, **last; /* the first is being asked, or next */
    size_t count;
    struct line *next; /* in the row of those that can be asked */
    completion_t *completion;
    reservation_t reservation;
    size_t prompt_tokens;
    unsigned resets;
    size_t shown; /* bytes of text handed out */
} line_t;

struct questions {
    uv_timer_t tick;  /* partial texts */
    uv_timer_t start; /* begins what waits in the row */
    int open_handles;
    questions_events_t events;
    void *context;
    char *model;
    bool is_openai;
    int64_t answer_tokens;
    size_t max_bytes;
    books_t *books;
    completions_t *completions;
    const log_t *log;
    hash_t *lines;
    line_t *row, **row_end;
    size_t asked;
};

static void on_start(uv_timer_t *timer);
static void on_tick(uv_timer_t *timer);

questions_t *questions_new(uv_loop_t *loop, const questions_options_t *options,
                           const questions_events_t *events, void *context)
{
    questions_t *questions = alloc_new(questions_t);

    uv_timer_init(loop, &questions->tick);
    uv_timer_init(loop, &questions->start);
    questions->tick.data = questions->start.data = questions;
    questions->open_handles = 2;
    questions->events = *events;
    questions->context = context;
    questions->model = alloc_string(options->model);
    questions->is_openai = options->is_openai;
    questions->answer_tokens = options->answer_tokens;
    questions->books = options->books;
    questions->completions = options->completions;
    questions->log = options->log;
    questions->lines = hash_new();
    questions->row_end = &questions->row;
    questions_set_max_bytes(questions, MESSAGE_DEFAULT_MAX_BYTES);
    return questions;
}

void questions_set_max_bytes(questions_t *questions, size_t max_message_bytes)
{
    size_t bound = (size_t)questions->answer_tokens * BYTES_A_TOKEN;

    questions->max_bytes = max_message_bytes < bound ? max_message_bytes : bound;
}

/* ---- lines ---- */

static line_t *line_of(questions_t *questions, const char *user)
{
    line_t *line = hash_get(questions->lines, user);

    if (line)
        return line;
    line = alloc_new(line_t);
    line->all = questions;
    line->last = &line->first;
    hash_put(questions->lines, user, line);
    return line;
}

static question_t *take_first(line_t *line)
{
    question_t *question = line->first;

    line->first = question->next;
    question->next = NULL;
    if (!line->first)
        line->last = &line->first;
    line->count--;
    return question;
}

static void put_in_row(line_t *line)
{
    questions_t *questions = line->all;

    line->next = NULL;
    *questions->row_end = line;
    questions->row_end = &line->next;
    uv_timer_start(&questions->start, on_start, 0, 0);
}

bool questions_add(questions_t *questions, question_t *question)
{
    line_t *line = line_of(questions, question->sender);

    if (line->count > QUESTIONS_WAITING)
        return false;
    *line->last = question;
    line->last = &question->next;
    if (line->count++ == 0)
        put_in_row(line);
    return true;
}

bool questions_has(const questions_t *questions, const char *sender, const char *answer_id)
{
    const line_t *line = hash_get(questions->lines, sender);

    for (const question_t *question = line ? line->first : NULL; question; question = question->next)
        if (strcmp(question->answer_id, answer_id) == 0)
            return true;
    return false;
}

/* ---- the end of one ---- */

static void answer(line_t *line, const char *text, size_t length)
{
    questions_t *questions = line->all;
    question_t *question = take_first(line);

    if (line->count > 0) {
        put_in_row(line);
    } else {
        hash_remove(questions->lines, question->sender);
        free(line);
    }
    questions->events.on_answer(questions->context, question, text, length);
}

static void answer_text(line_t *line, const char *text)
{
    answer(line, text, strlen(text));
}

/* What it cost: as the server counted, else as it looks. Nothing when the model never began. */
static int64_t cost_of(const line_t *line, const completion_result_t *result)
{
    if (result->answer->tokens >= 0)
        return result->answer->tokens;
    if (!result->reached)
        return 0;
    return (int64_t)(line->prompt_tokens + conversation_estimate(result->answer->text.length));
}

static void compose(const completion_result_t *result, size_t max_bytes, buffer_t *out)
{
    static const char broken[] = "\n\n(The answer breaks off here: the connection to the model was lost.)";
    static const char bound[] = "\n\n(The answer breaks off here: this is the longest that I may give.)";
    static const char withheld[] = "\n\n(The answer breaks off here: the model's server withholds the rest.)";
    const char *note = "";
    err_t err;

    if (result->failure != FAILURE_NONE) {
        err = failure_write(result->failure, result->wait_ms, out);
    } else {
        if (result->cut_short)
            note = broken;
        else if (result->answer->withheld)
            note = withheld;
        else if (result->answer->too_long)
            note = bound;
        err = buffer_append(out, result->answer->text.data, result->answer->text.length);
    }
    if (err == ERR_OK && out->length + strlen(note) <= max_bytes)
        err = buffer_append_text(out, note);
    if (err != ERR_OK)
        abort(); /* bounded and small: no memory at all */
}

static void remember(line_t *line, const completion_result_t *result)
{
    user_t *user = users_get(books_users(line->all->books), line->first->sender);

    if (result->failure == FAILURE_NONE && !result->cut_short && user->resets == line->resets)
        conversation_add(user->conversation, line->first->text, buffer_text(&result->answer->text));
}

static void on_completion(void *context, const completion_result_t *result)
{
    line_t *line = context;
    questions_t *questions = line->all;
    int64_t cost = cost_of(line, result);
    buffer_t text;

    line->completion = NULL;
    questions->asked--;
    if (questions->asked == 0)
        uv_timer_stop(&questions->tick);
    books_settle(questions->books, line->first->sender, &line->reservation, cost);
    log_info(questions->log, "answered", "user=%s why=%s cut_short=%d bytes=%zu tokens=%lld",
             line->first->sender, failure_name(result->failure), result->cut_short,
             result->answer->text.length, (long long)cost);
    remember(line, result);
    buffer_init(&text, 0);
    compose(result, questions->max_bytes, &text);
    answer(line, buffer_text(&text), text.length);
    buffer_free(&text);
    uv_timer_start(&questions->start, on_start, 0, 0); /* there is room for another one */
}

/* ---- asking ---- */

static const char *refusal_of(books_answer_t answer)
{
    static const char *const sentences[] = {
        [BOOKS_OK] = NULL,
        [BOOKS_USER_SPENT] =
            "You have asked as much as you may today. The count begins anew at midnight UTC; "
            "`usage` tells how far you are.",
        [BOOKS_ALL_SPENT] =
            "All users together have asked as much as they may today. The count begins anew at "
            "midnight UTC.",
        [BOOKS_NOT_WRITTEN] =
            "I can't keep my books at the moment, so I can't ask the model. Please try again "
            "later.",
    };

    return sentences[answer];
}

static void ask(line_t *line)
{
    questions_t *questions = line->all;
    const char *name = line->first->sender;
    user_t *user = users_get(books_users(questions->books), name);
    prompt_t prompt = {questions->model,  questions->is_openai, questions->answer_tokens,
                       user->personality, user->conversation,   line->first->text};
    buffer_t body;

    line->prompt_tokens = prompt_tokens(&prompt);
    line->resets = user->resets;
    line->shown = 0;
    const char *refusal = refusal_of(books_reserve(
        questions->books, name, (int64_t)line->prompt_tokens + questions->answer_tokens, &line->reservation));
    if (refusal) {
        answer_text(line, refusal);
        return;
    }
    buffer_init(&body, 0);
    if (prompt_write(&prompt, &body) != ERR_OK)
        abort(); /* bounded and small: no memory at all */
    line->completion = completion_start(questions->completions, buffer_text(&body), body.length,
                                        questions->max_bytes, on_completion, line);
    buffer_free(&body);
    questions->asked++;
    if (!uv_is_active((uv_handle_t *)&questions->tick))
        uv_timer_start(&questions->tick, on_tick, QUESTIONS_PARTIAL_MS, QUESTIONS_PARTIAL_MS);
}

static void on_start(uv_timer_t *timer)
{
    questions_t *questions = timer->data;

    while (questions->row && questions->asked < QUESTIONS_AT_ONCE) {
        line_t *line = questions->row;
        questions->row = line->next;
        if (!questions->row)
            questions->row_end = &questions->row;
        ask(line);
    }
}

static void on_tick(uv_timer_t *timer)
{
    questions_t *questions = timer->data;
    size_t position = 0;
    const char *name;
    void *value;

    while (hash_next(questions->lines, &position, &name, &value)) {
        line_t *line = value;
        const buffer_t *text = line->completion ? completion_text(line->completion) : NULL;
        if (!text || text->length == line->shown)
            continue;
        line->shown = text->length;
        questions->events.on_partial(questions->context, line->first, text->data, text->length);
    }
}

/* ---- the end of all ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    questions_t *questions = handle->data;

    if (--questions->open_handles > 0)
        return;
    free(questions->model);
    free(questions);
}

void questions_free(questions_t *questions)
{
    size_t position = 0;
    const char *name;
    void *value;

    if (!questions)
        return;
    while (hash_next(questions->lines, &position, &name, &value)) {
        line_t *line = value;
        completion_cancel(line->completion);
        while (line->first)
            question_free(take_first(line));
        free(line);
    }
    hash_free(questions->lines);
    uv_close((uv_handle_t *)&questions->tick, on_handle_closed);
    uv_close((uv_handle_t *)&questions->start, on_handle_closed);
}
