#include "bot.h"
#include "commands.h"
#include "common/alloc.h"
#include "questions.h"
#include "replies.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINGER_MS = 1000,
    LOGIN_TRIES = 12, /* after a crash the server may not have noticed yet that the former session is dead */
    LOGIN_AGAIN_MS = 500,
};

struct bot {
    daemon_t *daemon;
    const config_t *config;
    books_t *books;
    completions_t *completions;
    questions_t *questions;
    replies_t *replies;
    chat_session_t *session;
    uv_timer_t login_timer;
    int logins;
    bool was_online;
};

static void open_session(bot_t *bot);

/* ---- messages ---- */

/* Bots don't answer bots, or two of them would talk for ever. */
static bool is_from_person(const bot_t *bot, const message_t *message)
{
    if (message->type != MESSAGE_CHAT && message->type != MESSAGE_COMMAND)
        return false;
    return strcmp(message->sender, chat_session_username(bot->session)) != 0 &&
           !username_in_list(message->sender, bot->config->service_names);
}

static void run_command(bot_t *bot, question_t *question, const parsed_command_t *command)
{
    buffer_t text;

    buffer_init(&text, 0);
    if (commands_run(command, bot->books, question->sender, question->id, &text) != ERR_OK)
        abort(); /* bounded and small: no memory at all */
    replies_send(bot->replies, question, buffer_text(&text), text.length);
    buffer_free(&text);
}

static bool on_message(void *context, const message_t *message, bool stored)
{
    static const char full[] =
        "One thing after the other, please: your earlier questions are still waiting for "
        "their answers. Ask this again then.";
    bot_t *bot = context;
    parsed_command_t command;

    if (!is_from_person(bot, message))
        return true;
    question_t *question = question_new(message, stored);
    if (replies_has(bot->replies, question->answer_id) ||
        questions_has(bot->questions, question->sender, question->answer_id))
        question_free(question);
    else if (commands_parse(question->text, question->length, &command))
        run_command(bot, question, &command);
    else if (!questions_add(bot->questions, question))
        replies_send(bot->replies, question, full, sizeof(full) - 1);
    return false; /* got is said when the answer is safe */
}

static void on_partial(void *context, const question_t *question, const char *text, size_t length)
{
    bot_t *bot = context;

    if (bot->session)
        chat_session_partial(bot->session, question->sender, question->answer_id, text, length);
}

static void on_answer(void *context, question_t *question, const char *text, size_t length)
{
    bot_t *bot = context;

    replies_send(bot->replies, question, text, length);
}

/* ---- the session ---- */

static void on_online(void *context, const frame_t *login_success)
{
    bot_t *bot = context;
    size_t max_bytes = login_success->max_message_bytes > 0 ? (size_t)login_success->max_message_bytes
                                                            : MESSAGE_DEFAULT_MAX_BYTES;

    replies_set_max_bytes(bot->replies, max_bytes);
    questions_set_max_bytes(bot->questions, max_bytes);
    log_info(&bot->daemon->log, "online", "username=%s model=%s", chat_session_username(bot->session),
             bot->config->model);
    if (!bot->was_online)
        daemon_ready(bot->daemon, "username=%s", chat_session_username(bot->session));
    bot->was_online = true;
}

static void close_session(bot_t *bot, uint64_t linger_ms)
{
    replies_set_session(bot->replies, NULL);
    if (bot->session)
        chat_session_close(bot->session, linger_ms);
    bot->session = NULL;
}

static void on_login_timer(uv_timer_t *timer)
{
    open_session(timer->data);
}

static void on_offline(void *context, err_t why, bool final)
{
    bot_t *bot = context;

    if (!final)
        return;
    if (why == ERR_USERNAME_TAKEN && bot->logins < LOGIN_TRIES) {
        close_session(bot, 0);
        uv_timer_start(&bot->login_timer, on_login_timer, LOGIN_AGAIN_MS, 0);
        return;
    }
    fprintf(stderr, "p2p-openai-bot: cannot log in: %s\n", err_text(why));
    daemon_stop(bot->daemon, 1);
}

static void on_receipt(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason)
{
    bot_t *bot = context;

    (void)reason;
    replies_on_receipt(bot->replies, id, status, code);
}

static void on_error(void *context, const char *code, const char *text)
{
    bot_t *bot = context;

    log_warning(&bot->daemon->log, "server_error", "code=%s text=%s", code, text);
}

/* ---- start and end ---- */

static void open_session(bot_t *bot)
{
    static const chat_events_t events = {
        .on_online = on_online,
        .on_offline = on_offline,
        .on_message = on_message,
        .on_receipt = on_receipt,
        .on_error = on_error,
    };
    chat_options_t options = {
        .host = bot->config->server_host,
        .port = (int)bot->config->server_port,
        .username = bot->config->username,
        .token = bot->config->token,
        .reconnect = true,
        .log = &bot->daemon->log,
    };

    bot->logins++;
    bot->session = chat_session_open(daemon_loop(bot->daemon), &options, &events, bot);
    replies_set_session(bot->replies, bot->session);
}

static void open_questions(bot_t *bot)
{
    static const questions_events_t events = {on_partial, on_answer};
    const config_t *config = bot->config;
    completions_options_t model = {
        .base_url = config->base_url,
        .key = config->key,
        .idle_ms = (uint64_t)(config->idle_s * 1000),
        .timeout_ms = (uint64_t)(config->timeout_s * 1000),
        .connections = QUESTIONS_AT_ONCE,
        .log = &bot->daemon->log,
    };

    bot->completions = completions_new(daemon_loop(bot->daemon), &model);
    questions_options_t questions = {
        .model = config->model,
        .is_openai = config->is_openai,
        .answer_tokens = config->answer_tokens,
        .books = bot->books,
        .completions = bot->completions,
        .log = &bot->daemon->log,
    };
    bot->questions = questions_new(daemon_loop(bot->daemon), &questions, &events, bot);
}

bot_t *bot_start(daemon_t *daemon, const config_t *config)
{
    books_options_t books = {
        .folder = config->data,
        .usual = config->personality,
        .memory_tokens = config->memory_tokens,
        .user_tokens = config->user_tokens,
        .all_tokens = config->all_tokens,
        .log = &daemon->log,
    };
    bot_t *bot = alloc_new(bot_t);

    bot->daemon = daemon;
    bot->config = config;
    bot->books = books_open(&books);
    if (!bot->books) {
        free(bot);
        return NULL;
    }
    uv_timer_init(daemon_loop(daemon), &bot->login_timer);
    bot->login_timer.data = bot;
    bot->replies = replies_new(daemon_loop(daemon), &daemon->log);
    open_questions(bot);
    open_session(bot);
    return bot;
}

void bot_stop(bot_t *bot)
{
    close_session(bot, LINGER_MS);
    uv_close((uv_handle_t *)&bot->login_timer, NULL);
    questions_free(bot->questions);
    completions_free(bot->completions);
    replies_free(bot->replies);
}

void bot_free(bot_t *bot)
{
    if (!bot)
        return;
    books_free(bot->books);
    free(bot);
}
