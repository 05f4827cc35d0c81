/* The life of the client: asks for a name, opens the session, leaves in good order. */
#include "client_parts.h"
#include "commands.h"
#include "common/alloc.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINGER_MS = 1000, CLOSE_MS = 2000, SENT_OF_A_PERSON = 1000 };

void client_flush(client_t *client)
{
    view_t *view = client->view;
    if (client->terminal) {
        if (view->lines.length > 0)
            terminal_print(client->terminal, view->lines.data, view->lines.length);
    } else if (client->output) {
        writer_write(client->output, buffer_text(&view->lines), view->lines.length);
        writer_write(client->notices, buffer_text(&view->notices), view->notices.length);
    }
    buffer_clear(&view->lines);
    buffer_clear(&view->notices);
}

void client_problem(client_t *client, const char *code, const char *text, size_t line)
{
    client->view->kind->problem(client->view, code, text, line);
    client_flush(client);
}

void client_show_help(client_t *client)
{
    buffer_t help;
    buffer_init(&help, 0);
    commands_append_help(&help);
    client->view->kind->note(client->view, buffer_text(&help));
    client_flush(client);
    buffer_free(&help);
}

err_t client_ask(client_t *client, command_t command)
{
    err_t err = chat_session_command(client->session, command);
    client->asked += err == ERR_OK;
    return err;
}

void client_update_prompt(client_t *client)
{
    if (!client->terminal)
        return;
    if (client->phase != PHASE_CHAT || !client->session) {
        terminal_set_prompt(client->terminal, client->phase == PHASE_NAME ? "Enter your username: " : "");
        return;
    }
    const char *state = chat_session_is_online(client->session) ? ""
                        : client->ever_online                   ? " (offline)"
                                                                : " (connecting)";
    char *prompt = alloc_format("%s%s> ", chat_session_username(client->session), state);
    terminal_set_prompt(client->terminal, prompt);
    free(prompt);
}

void client_ask_name(client_t *client)
{
    client->phase = PHASE_NAME;
    terminal_keep_history(client->terminal, false);
    client_update_prompt(client);
}

void client_open_session(client_t *client, const char *username)
{
    const config_t *config = client->config;
    chat_options_t options = {
        .host = config->host,
        .port = (int)config->port,
        .username = username,
        .token = config->token,
        .reconnect = true,
        .max_message_bytes = MESSAGE_DEFAULT_MAX_BYTES, /* grows to what the server says */
    };
    client->phase = PHASE_CHAT;
    client->ever_online = client->offline_shown = false;
    client->session = chat_session_open(client->loop, &options, &client_session_events, client);
    if (client->terminal)
        terminal_keep_history(client->terminal, true);
    client_update_prompt(client);
}

uint64_t client_backlog(const client_t *client)
{
    if (!client->output || client->output_failed)
        return 0;
    return writer_queued(client->output) - writer_written(client->output);
}

/* Leaving */

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The terminal and the outputs, when they have taken the last lines. */
static void close_parts(client_t *client)
{
    if (client->parts_closing || (!client->hurry && client_backlog(client) > 0))
        return;
    if (!client->hurry && client->notices && writer_written(client->notices) < writer_queued(client->notices))
        return;
    client->parts_closing = true;
    if (client->terminal)
        terminal_close(client->terminal);
    if (client->reader)
        reader_close(client->reader);
    if (client->output)
        writer_close(client->output);
    if (client->notices)
        writer_close(client->notices);
    close_handle(&client->settle);
    close_handle(&client->patience);
    for (int i = 0; i < client->signal_count; i++)
        close_handle(&client->signals[i]);
}

static void on_close_timeout(uv_timer_t *timer)
{
    client_t *client = timer->data;
    client->hurry = true;
    if (!client->session)
        close_parts(client);
}

static int final_status(const client_t *client, size_t unacknowledged)
{
    if (client->status != EXIT_DONE)
        return client->status;
    bool failed = client->reader && client->failed_lines > 0;
    return failed || unacknowledged > 0 || client->output_failed ? EXIT_UNDELIVERED : EXIT_DONE;
}

void client_close(client_t *client)
{
    if (client->phase == PHASE_CLOSING)
        return;
    client->phase = PHASE_CLOSING;
    size_t unacknowledged = client->session ? chat_session_unacknowledged(client->session) : 0;
    client->status = final_status(client, unacknowledged);
    if (client->view->kind->settle)
        client->view->kind->settle(client->view);
    client->view->kind->end(client->view, client->status, unacknowledged);
    client_flush(client);
    client_update_prompt(client);
    client->hurry = false;
    uv_timer_start(&client->patience, on_close_timeout, CLOSE_MS, 0);
    if (client->session)
        chat_session_close(client->session, LINGER_MS);
    else
        close_parts(client);
}

void client_session_gone(client_t *client)
{
    client->session = NULL;
    if (client->phase == PHASE_CLOSING)
        close_parts(client);
    else if (client->terminal && client->phase == PHASE_CHAT)
        client_ask_name(client);
    else
        client_close(client);
}

/* Is everything that a leaving client waits for done? */
static bool is_settled(client_t *client)
{
    if (client->hurry || !client->session)
        return true;
    if (chat_session_unacknowledged(client->session) > 0 || client->asked > 0)
        return false;
    if (client->terminal || client->last_check)
        return true;
    /* The answer comes behind everything that still waits for us: a script gets its mail. */
    client->last_check = true;
    return client_ask(client, COMMAND_CHECK) != ERR_OK;
}

void client_progress(client_t *client)
{
    if (client->phase != PHASE_FINISHING)
        return;
    if (!client->hurry)
        uv_timer_again(&client->patience);
    if (!is_settled(client))
        return;
    if (client->session && client_backlog(client) > 0) {
        client->output_paused = false; /* for good, whatever the output takes */
        chat_session_pause(client->session, true);
        return;
    }
    client_close(client);
}

static void on_patience_over(uv_timer_t *timer)
{
    client_t *client = timer->data;
    bool only_slow_output = !client->hurry && is_settled(client) && client_backlog(client) > 0;
    if (only_slow_output)
        return; /* as any filter waits for its reader */
    client_close(client);
}

void client_finish(client_t *client)
{
    if (client->phase >= PHASE_FINISHING)
        return;
    client->phase = PHASE_FINISHING;
    uint64_t wait_ms = (uint64_t)client->config->wait_s * 1000;
    uv_timer_start(&client->patience, on_patience_over, wait_ms, wait_ms);
    client_update_prompt(client);
    if (client->terminal && client->session && chat_session_unacknowledged(client->session) > 0) {
        client->view->kind->note(client->view,
                                 "Waiting until the server has everything. Ctrl-C leaves now.\n");
        client_flush(client);
    }
    client_progress(client);
}

/* Leaves now; only what is in the output's way already is waited for, a moment. */
static void stop(client_t *client)
{
    if (client->phase == PHASE_CLOSING)
        return;
    client->phase = PHASE_FINISHING;
    client->hurry = true;
    uv_timer_start(&client->patience, on_patience_over, LINGER_MS, 0);
    client_progress(client);
}

/* Signals */

static void on_signal(uv_signal_t *handle, int number)
{
    client_t *client = handle->data;
    terminal_t *terminal = client->parts_closing ? NULL : client->terminal;
    if (number == SIGWINCH && terminal) {
        client->view->columns = terminal_columns();
        terminal_resized(terminal);
    } else if (number == SIGTSTP && terminal) {
        terminal_suspend(terminal);
    } else if (number != SIGINT || client->phase >= PHASE_FINISHING || !terminal ||
               !terminal_drop_line(terminal)) {
        stop(client);
    }
}

static void catch_signal(client_t *client, int number)
{
    uv_signal_t *handle = &client->signals[client->signal_count++];
    uv_signal_init(client->loop, handle);
    handle->data = client;
    uv_signal_start(handle, on_signal, number);
}

/* Input and outputs */

static void on_input_end(void *context)
{
    client_t *client = context;
    if (client->terminal || !client->config->follow)
        client_finish(client);
}

static char *on_complete(void *context, const char *word, bool first)
{
    client_t *client = context;
    if (first)
        client->completion = (completion_t){0};
    return client->phase == PHASE_CHAT ? completion_next(&client->completion, client->roster, word) : NULL;
}

static void on_part_closed(void *context)
{
    (void)context; /* the loop ends when all are closed */
}

static void on_output_written(void *context)
{
    client_t *client = context;
    client_acknowledge_written(client);
    if (client->phase == PHASE_CLOSING && !client->session)
        close_parts(client);
    else
        client_progress(client);
}

static void on_output_error(void *context)
{
    client_t *client = context;
    client->output_failed = true;
    stop(client);
}

static void on_notices_written(void *context)
{
    client_t *client = context;
    if (client->phase == PHASE_CLOSING && !client->session)
        close_parts(client);
}

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return !(no_color && no_color[0]) && terminal && strcmp(terminal, "dumb") != 0;
}

static void open_terminal(client_t *client)
{
    static const terminal_events_t events = {client_on_typed, on_input_end, on_complete, on_part_closed};
    client->view = view_new_terminal(terminal_columns(), wants_colour());
    client->terminal = terminal_open(client->loop, &events, client);
    catch_signal(client, SIGHUP);
    catch_signal(client, SIGWINCH);
    catch_signal(client, SIGTSTP);
}

static void open_filter(client_t *client)
{
    static const reader_events_t reader_events = {client_on_line, client_on_too_long, on_input_end,
                                                  on_part_closed};
    static const writer_events_t output_events = {on_output_written, on_output_error, on_part_closed};
    static const writer_events_t notice_events = {on_notices_written, on_part_closed, on_part_closed};
    client->view = client->config->json ? view_new_json() : view_new_plain();
    client->reader = reader_open(client->loop, STDIN_FILENO, CLIENT_LINE_BYTES, &reader_events, client);
    client->output = writer_open(client->loop, STDOUT_FILENO, &output_events, client);
    client->notices = writer_open(client->loop, STDERR_FILENO, &notice_events, client);
}

client_t *client_start(uv_loop_t *loop, const config_t *config, bool interactive)
{
    client_t *client = alloc_new(client_t);
    client->loop = loop;
    client->config = config;
    client->max_message_bytes = MESSAGE_DEFAULT_MAX_BYTES;
    client->roster = roster_new();
    client->sent = sent_new(interactive ? SENT_OF_A_PERSON : SENT_MAX_RECORDS);
    client->unwritten = unwritten_new();
    uv_timer_init(loop, &client->settle);
    uv_timer_init(loop, &client->patience);
    client->settle.data = client->patience.data = client;
    catch_signal(client, SIGINT);
    catch_signal(client, SIGTERM);
    if (interactive)
        open_terminal(client);
    else
        open_filter(client);
    if (config->username[0])
        client_open_session(client, config->username);
    else
        client_ask_name(client);
    return client;
}

int client_free(client_t *client)
{
    int status = client->status;
    view_free(client->view);
    roster_free(client->roster);
    sent_free(client->sent);
    unwritten_free(client->unwritten);
    free(client);
    return status;
}
