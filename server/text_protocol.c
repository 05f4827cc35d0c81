/* Text sessions: people with netcat, and the original's clients. */
#include "../common/text.h"
#include "limits.h"
#include "router.h"
#include "server.h"
#include "session.h"
#include "text_format.h"
#include <string.h>

#define INVALID_FORMAT "Invalid format. Use: TO_USERNAME: MESSAGE\n"

static void print_help(session_t *session);

/* ---- commands ---- */

static void check(session_t *session)
{
    mailbox_check(session->mailbox);
}

static void print_users(session_t *session)
{
    const char *names[LIMIT_NAMES_TEXT];
    const users_t *users = session->server->users;
    size_t count = users_names(users, session, names, LIMIT_NAMES_TEXT);
    buffer_t *out = session_begin(session);

    buffer_append_text(out, "Users online: ");
    text_format_names(out, names, count, users_count(users));
    session_flush(session);
}

static const struct {
    const char *name, *help;
    void (*run)(session_t *session);
} commands[] = {
    {"!check", "prints the messages that wait for you", check},
    {"!users", "prints who is online", print_users},
    {"!help", "prints this", print_help},
    {"exit", "leaves", session_leave},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(session_t *session)
{
    buffer_t *out = session_begin(session);

    buffer_append_text(out, "TO_USERNAME: MESSAGE  sends a message\n");
    for (size_t i = 0; i < COMMANDS; i++)
        buffer_appendf(out, "%-21s %s\n", commands[i].name, commands[i].help);
    session_flush(session);
}

static bool run_command(session_t *session, const char *line, size_t length)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (length == strlen(commands[i].name) && memcmp(line, commands[i].name, length) == 0) {
            commands[i].run(session);
            return true;
        }
    }
    return false;
}

/* ---- sending ---- */

/* NULL when the text may be sent. */
static const char *check_text(const session_t *session, const char *text, size_t length)
{
    if (length > (size_t)session->server->config->max_message_bytes)
        return "Message not sent: it is too long.\n";
    if (!text_is_message(text, length))
        return "Message not sent: the text is not valid UTF-8 or holds control characters.\n";
    return NULL;
}

static void send_line(session_t *session, const char *line, size_t length)
{
    const char *name, *text;
    size_t name_length, text_length;
    char destination[USERNAME_SIZE];

    if (!text_format_split(line, length, &name, &name_length, &text, &text_length)) {
        session_write(session, INVALID_FORMAT);
        return;
    }
    const char *problem = check_text(session, text, text_length);
    if (!problem && mailbox_pass_on(session, name, name_length, text, text_length))
        return;
    err_t err = username_normalise_destination(name, name_length, destination);
    if (err != ERR_OK)
        problem =
            err == ERR_USERNAME_RESERVED ? "Message not sent: this username is reserved.\n" : INVALID_FORMAT;
    if (problem) {
        session_write(session, problem);
        return;
    }
    message_t message;
    message_make(&message, "", destination, text, text_length, MESSAGE_CHAT);
    router_send(session, &message, false);
}

static void on_line(session_t *session, char *line, size_t length, bool whole)
{
    const char *text = line;
    bool had_silence = session->silence_ended;

    session->whole_lines |= whole && !(had_silence && length == 0);
    text_trim(&text, &length);
    /* The newline of a line that silence has ended already. */
    if (length == 0 && had_silence && whole)
        return;
    session_charge(session);
    if (!run_command(session, text, length))
        send_line(session, text, length);
}

static void on_line_too_long(session_t *session)
{
    session->whole_lines = true;
    session_charge(session);
    session_write(session, "Message not sent: the line is too long.\n");
}

/* ---- what comes ---- */

static bool shows(message_type_t type)
{
    return type == MESSAGE_CHAT;
}

static err_t print(session_t *session, const message_t *message, bool stored)
{
    err_t err = text_format_message(session_begin(session), message, stored);
    session_flush(session);
    return err;
}

/* What there is no memory to print ends the session, and is not taken for read with what is before it. */
static void deliver(session_t *session, delivery_t *delivery, const message_t *message, bool stored)
{
    if (print(session, message, stored) == ERR_OK)
        session_expect_read(session, delivery);
}

static void broadcast(session_t *session, const message_t *message)
{
    if (shows(message->type))
        print(session, message, false);
}

static void on_receipt(session_t *session, const delivery_t *delivery, receipt_status_t status, err_t why)
{
    const char *to = delivery->message.destination;
    buffer_t *out;

    if (delivery->origin != session->serial)
        return;
    if (status == RECEIPT_STORED && delivery->tell_saved) {
        out = session_begin(session);
        buffer_appendf(out, "User '%s' is offline. Message saved.\n", to);
    } else if (status == RECEIPT_REJECTED) {
        out = session_begin(session);
        if (why == ERR_UNAUTHORIZED)
            buffer_appendf(out, "Message not sent: only services may write to '%s'.\n", to);
        else
            buffer_appendf(out, "Message to '%s' could not be saved. Try again later.\n", to);
    } else {
        return;
    }
    session_flush(session);
}

static void on_checked(session_t *session, size_t count, err_t why)
{
    if (why != ERR_OK)
        session_write(session, "Stored messages cannot be read now. Try again later.\n");
    else if (count == 0)
        session_write(session, "No stored messages.\n");
    if (why == ERR_OK)
        session->waiting = 0;
}

static void say_end(session_t *session, err_t why)
{
    (void)why;
    session_write(session, "The server is stopping. Disconnecting...\n");
}

const protocol_t text_protocol = {
    .on_line = on_line,
    .on_line_too_long = on_line_too_long,
    .shows = shows,
    .deliver = deliver,
    .broadcast = broadcast,
    .on_receipt = on_receipt,
    .on_checked = on_checked,
    .say_end = say_end,
};
