#include "commands.h"
#include "common/text.h"
#include "common/timestamp.h"
#include <string.h>

typedef struct {
    books_t *books;
    user_t *user;
    const char *id;
    const char *argument;
    size_t length;
    buffer_t *out;
} call_t;

struct command {
    const char *word;
    const char *usage;
    const char *summary; /* NULL: another word for the one before */
    bool takes_argument;
    err_t (*run)(const call_t *call);
};

static err_t run_help(const call_t *call);
static err_t run_personality(const call_t *call);
static err_t run_rotate(const call_t *call);
static err_t run_reset(const call_t *call);
static err_t run_usage(const call_t *call);

static const command_entry_t TABLE[] = {
    {"help", "help", "this list (info does the same)", false, run_help},
    {"info", "info", NULL, false, run_help},
    {"personality", "personality NAME", "who answers you from now on; without a name: who does now", true,
     run_personality},
    {"rotate", "rotate", "the next personality", false, run_rotate},
    {"reset", "reset", "forget what you and I have said so far", false, run_reset},
    {"usage", "usage", "how much you may still ask today", false, run_usage},
};

enum { COUNT = sizeof(TABLE) / sizeof(TABLE[0]) };

/* ---- parsing ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* The next word of *text: moves *text behind it; returns its length, 0 at the end. */
static size_t next_word(const char **text, const char *end, const char **word)
{
    while (*text < end && is_space(**text))
        (*text)++;
    *word = *text;
    while (*text < end && !is_space(**text))
        (*text)++;
    return (size_t)(*text - *word);
}

bool commands_parse(const char *text, size_t length, parsed_command_t *out)
{
    const char *end = text + length, *word, *argument, *more;
    size_t word_length = next_word(&text, end, &word);
    size_t argument_length = next_word(&text, end, &argument);

    if (next_word(&text, end, &more) > 0)
        return false;
    for (size_t i = 0; i < COUNT; i++) {
        if (!text_is_word(word, word_length, TABLE[i].word))
            continue;
        *out = (parsed_command_t){&TABLE[i], argument, argument_length};
        return argument_length == 0 || TABLE[i].takes_argument;
    }
    return false;
}

err_t commands_run(const parsed_command_t *command, books_t *books, const char *username, const char *id,
                   buffer_t *out)
{
    call_t call = {books, users_get(books_users(books), username), id, command->argument, command->length,
                   out};

    return command->entry->run(&call);
}

/* ---- the commands ---- */

static err_t append_names(buffer_t *out)
{
    err_t err = ERR_OK;

    for (size_t i = 0; i < personalities_count() && err == ERR_OK; i++)
        err = buffer_appendf(out, "%s%s", i > 0 ? ", " : "", personalities_at(i)->name);
    return err;
}

static err_t run_help(const call_t *call)
{
    err_t err =
        buffer_append_text(call->out, "Write me anything, and I answer. These words I take as commands:\n");

    for (size_t i = 0; i < COUNT && err == ERR_OK; i++)
        if (TABLE[i].summary)
            err = buffer_appendf(call->out, "%s - %s\n", TABLE[i].usage, TABLE[i].summary);
    if (err == ERR_OK)
        err = buffer_append_text(call->out, "Personalities:");
    for (size_t i = 0; i < personalities_count() && err == ERR_OK; i++)
        err = buffer_appendf(call->out, "\npersonality %s - %s%s", personalities_at(i)->name,
                             personalities_at(i)->summary,
                             personalities_at(i) == call->user->personality ? " (now)" : "");
    return err;
}

static err_t tell_personality(const call_t *call, bool saved)
{
    err_t err = buffer_appendf(call->out, "Personality: %s. %s", call->user->personality->name,
                               call->user->personality->greeting);

    if (err == ERR_OK && !saved)
        err = buffer_append_text(call->out,
                                 " (I could not write that down: I may forget it when I am restarted.)");
    return err;
}

static err_t change_personality(const call_t *call, const personality_t *personality)
{
    if (!user_apply(call->user, call->id))
        return tell_personality(call, true);
    call->user->personality = personality;
    call->user->chosen = true;
    return tell_personality(call, books_save_users(call->books));
}

static err_t run_personality(const call_t *call)
{
    const personality_t *personality = personalities_find(call->argument, call->length);
    err_t err;

    if (personality)
        return change_personality(call, personality);
    if (call->length == 0)
        err = buffer_appendf(call->out, "Personality: %s. There are: ", call->user->personality->name);
    else
        err = buffer_append_text(call->out, "I have no such personality. There are: ");
    if (err == ERR_OK)
        err = append_names(call->out);
    return err == ERR_OK ? buffer_append_char(call->out, '.') : err;
}

static err_t run_rotate(const call_t *call)
{
    return change_personality(call, personalities_after(call->user->personality));
}

static err_t run_reset(const call_t *call)
{
    conversation_reset(call->user->conversation);
    call->user->resets++;
    return buffer_append_text(call->out, "I have forgotten what we said. Let's begin anew.");
}

static err_t append_usage(buffer_t *out, const char *who, int64_t used, int64_t limit)
{
    if (limit > 0)
        return buffer_appendf(out, "%s %lld of %lld tokens", who, (long long)used, (long long)limit);
    return buffer_appendf(out, "%s %lld tokens, without a limit", who, (long long)used);
}

static err_t run_usage(const call_t *call)
{
    const budget_t *budget = books_budget(call->books);
    int64_t day = budget_day(timestamp_now());
    err_t err = append_usage(call->out, "Today you have used", budget_used_by(budget, call->user->name, day),
                             budget_user_limit(budget));

    if (err == ERR_OK)
        err = append_usage(call->out, ", and all users together", budget_used(budget, day),
                           budget_limit(budget));
    if (err != ERR_OK)
        return err;
    return buffer_appendf(call->out,
                          ". The count begins anew at midnight UTC. I remember %zu of our last questions.",
                          conversation_turns(call->user->conversation));
}
