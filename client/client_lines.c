#include "client_parts.h"
#include "commands.h"
#include "common/text.h"
#include "typed.h"
#include <string.h>

static void wrong_line(client_t *client, const char *code, const char *why, size_t number)
{
    client->failed_lines++;
    client_problem(client, code, why, number);
}

static err_t send_message(client_t *client, const typed_t *typed, size_t number)
{
    message_t message;
    message_make(&message, chat_session_username(client->session), typed->destination, typed->text,
                 typed->length, MESSAGE_CHAT);
    err_t err = chat_session_send(client->session, &message);
    if (err == ERR_OK) {
        sent_add(client->sent, &message);
        if (client->view->kind->sent)
            client->view->kind->sent(client->view, &message, number);
        client_flush(client);
    }
    message_free(&message);
    return err;
}

/* OK when the line is done with, be it good or bad; BUSY or CLOSED when it can't be taken now. */
static err_t take_line(client_t *client, const char *line, size_t length, size_t number)
{
    typed_t typed = typed_parse(line, length, client->max_message_bytes);
    err_t err = ERR_OK;
    if (typed.kind == TYPED_COMMAND) {
        const command_entry_t *command = commands_find(typed.text, typed.length);
        if (!command)
            wrong_line(client, err_code(ERR_UNKNOWN_COMMAND), "unknown command, see !help", number);
        else
            err = command->run(client);
    } else if (typed.kind == TYPED_MESSAGE) {
        err = send_message(client, &typed, number);
    } else if (typed.kind == TYPED_WRONG) {
        wrong_line(client, typed.code, typed.why, number);
    }
    if (err == ERR_OK || err == ERR_BUSY || err == ERR_CLOSED)
        return err;
    wrong_line(client, err_code(err), err_text(err), number);
    return ERR_OK;
}

static void take_name(client_t *client, const char *line, size_t length)
{
    char name[USERNAME_SIZE];
    text_trim(&line, &length);
    if (text_is_word(line, length, "exit")) {
        client_finish(client);
        return;
    }
    err_t err = username_normalise(line, length, name);
    if (err == ERR_OK)
        client_open_session(client, name);
    else if (length > 0)
        client_problem(client, err_code(err), err_text(err), 0);
}

void client_on_typed(void *context, const char *line, size_t length)
{
    client_t *client = context;
    if (client->phase == PHASE_NAME) {
        if (!client->session)
            take_name(client, line, length);
        return;
    }
    if (client->phase != PHASE_CHAT || !client->session)
        return;
    err_t err = take_line(client, line, length, 0);
    if (err == ERR_BUSY)
        client_problem(client, err_code(err), "too much waits to be sent; this line was not taken", 0);
    else if (err == ERR_CLOSED)
        client_problem(client, err_code(err), "not connected at the moment", 0);
}

bool client_on_line(void *context, const char *line, size_t length, size_t number)
{
    client_t *client = context;
    if (client->phase != PHASE_CHAT)
        return true; /* behind `exit` */
    return take_line(client, line, length, number) == ERR_OK;
}

void client_on_too_long(void *context, size_t number)
{
    client_t *client = context;
    if (client->phase == PHASE_CHAT)
        wrong_line(client, err_code(ERR_TOO_LONG), err_text(ERR_TOO_LONG), number);
}
