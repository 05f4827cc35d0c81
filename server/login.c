/* The first line of a connection: a JSON login, a name, or somebody who is wrong here. */
#include "../common/text.h"
#include "limits.h"
#include "server.h"
#include "session.h"
#include "text_format.h"
#include <stdlib.h>
#include <string.h>

static void refuse_json(session_t *session, err_t why)
{
    frame_write_error(session_begin(session), why);
    session_flush(session);
    session_end(session, why);
}

static void refuse_text(session_t *session, const char *sentence, const char *reason)
{
    buffer_appendf(session_begin(session), "%s%s\n", sentence, reason);
    session_flush(session);
    session_end(session, ERR_USERNAME_INVALID);
}

/* ---- JSON ---- */

/* A token is asked for some names; whoever gives one must give the right one. */
static err_t check_token(session_t *session, const char *username, const char *token)
{
    const config_t *config = session->server->config;

    if (config->token[0] == '\0')
        return ERR_OK;
    bool given = token && token[0] != '\0';
    bool wrong =
        given ? !text_equal_secret(token, config->token) : username_in_list(username, config->service_names);
    if (wrong) /* somebody may be guessing */
        log_warning(session->server->log, "login_refused", "user=%s why=%s", username,
                    given ? "wrong token" : "no token");
    session->authorised = given && !wrong;
    return wrong ? ERR_UNAUTHORIZED : ERR_OK;
}

static void welcome_json(session_t *session)
{
    const server_t *server = session->server;

    frame_write_login_success(session_begin(session), session_username(session),
                              users_others(server->users, session),
                              (size_t)server->config->max_message_bytes);
    session_flush(session);
}

static err_t log_in_json(session_t *session, const frame_t *frame)
{
    char username[USERNAME_SIZE];

    if (frame->type != FRAME_LOGIN)
        return ERR_INVALID_FRAME;
    err_t err = username_normalise(frame->username, strlen(frame->username), username);
    if (err == ERR_OK)
        err = check_token(session, username, frame->token);
    if (err == ERR_OK)
        err = session_login(session, username, &json_protocol);
    if (err == ERR_OK) {
        welcome_json(session);
        session_start(session);
    }
    return err;
}

static void on_json_line(session_t *session, const char *line, size_t length)
{
    frame_t frame;
    size_t most = (size_t)session->server->config->max_message_bytes;
    err_t err = frame_parse(line, length, FRAME_SIDE_SERVER, most, &frame, NULL);

    if (err == ERR_OK) {
        err = log_in_json(session, &frame);
        frame_free(&frame);
    }
    if (err != ERR_OK)
        refuse_json(session, err);
}

/* ---- text ---- */

static void welcome_text(session_t *session)
{
    const server_t *server = session->server;
    const char *names[LIMIT_NAMES_TEXT];
    size_t online = users_count(server->users), count;
    buffer_t *out = session_begin(session);

    if (online > LIMIT_NAMES_TEXT) {
        names[0] = users_oldest(server->users);
        names[1] = session_username(session);
        count = 2;
        online -= LIMIT_NAMES_TEXT - count;
    } else {
        count = users_names(server->users, session, names, LIMIT_NAMES_TEXT);
    }
    buffer_append_text(out, "Connected! Users online: ");
    text_format_names(out, names, count, online);
    session_flush(session);
}

static void on_text_line(session_t *session, const char *line, size_t length)
{
    const config_t *config = session->server->config;
    char username[USERNAME_SIZE];

    text_trim(&line, &length);
    err_t err = username_normalise(line, length, username);
    if (err != ERR_OK) {
        refuse_text(session, "Invalid username. ",
                    err == ERR_USERNAME_RESERVED ? "This name is reserved."
                                                 : "Use 1 to 32 letters, digits, '_', '-' or '.'.");
    } else if (config->token[0] != '\0' && username_in_list(username, config->service_names)) {
        refuse_text(session, "Invalid username. ", "This name belongs to a service.");
    } else if (session_login(session, username, &text_protocol) != ERR_OK) {
        refuse_text(session, "Username already taken. Disconnecting...", "");
    } else {
        welcome_text(session);
        session_start(session);
    }
}

/* ---- both ---- */

/* A browser that was led here must not speak through a web page's request. */
static bool is_http(const char *line)
{
    static const char *const beginnings[] = {"GET ",   "POST ",  "HEAD ",    "PUT ", "DELETE ", "OPTIONS ",
                                             "PATCH ", "TRACE ", "CONNECT ", "PRI ", "Host:"};

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncasecmp(line, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

static void on_line(session_t *session, char *line, size_t length, bool whole)
{
    (void)whole;
    if (line[0] == '{')
        on_json_line(session, line, length);
    else if (is_http(line))
        session_end(session, ERR_INVALID_FRAME);
    else
        on_text_line(session, line, length);
}

static void on_line_too_long(session_t *session)
{
    refuse_text(session, "Invalid username. ", "The first line is too long.");
}

static bool shows(message_type_t type)
{
    (void)type;
    return false;
}

static void say_end(session_t *session, err_t why)
{
    buffer_appendf(session_begin(session), "\nThe connection ends: %s.\n", err_text(why));
    session_flush(session);
}

const protocol_t login_protocol = {
    .on_line = on_line,
    .on_line_too_long = on_line_too_long,
    .shows = shows,
    .say_end = say_end,
};
