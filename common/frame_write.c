/* The writers of frame.h: straight into the buffer, a whole line or nothing. */
#include "frame.h"
#include <string.h>

/* Bytes of a login_success beside the others' names, with room for a frame behind it: a long buffer does not grow. */
enum { LOGIN_EXTRA = 512 };

/* A line begun at `start`. Once an append has failed the others do nothing. */
typedef struct {
    buffer_t *out;
    size_t start;
    err_t err;
} line_t;

static line_t begin(buffer_t *out, const char *opening)
{
    return (line_t){out, out->length, buffer_append_text(out, opening)};
}

static void member(line_t *line, const char *name, const char *value)
{
    if (line->err == ERR_OK)
        line->err = json_append_member(line->out, name, value);
}

static void number(line_t *line, const char *name, size_t value)
{
    if (line->err == ERR_OK)
        line->err = json_append_integer(line->out, name, (int64_t)value);
}

static void raw(line_t *line, const char *text)
{
    if (line->err == ERR_OK)
        line->err = buffer_append_text(line->out, text);
}

static void open_array(line_t *line, const char *name)
{
    if (line->err == ERR_OK)
        line->err = json_append_name(line->out, name);
    raw(line, "[");
}

static void names(line_t *line, frame_names_t names)
{
    if (names.length == 0 || line->err != ERR_OK)
        return;
    size_t skip = names.text[0] == ',';
    line->err = buffer_append(line->out, names.text + skip, names.length - skip);
}

static void names_member(line_t *line, const char *name, frame_names_t values)
{
    open_array(line, name);
    names(line, values);
    raw(line, "]");
}

err_t frame_append_name(buffer_t *names, const char *username)
{
    size_t start = names->length;
    err_t err = start > 0 ? buffer_append_char(names, ',') : ERR_OK;

    if (err == ERR_OK)
        err = json_append_string(names, username, strlen(username));
    if (err != ERR_OK)
        names->length = start;
    return err;
}

static err_t end(line_t *line)
{
    raw(line, "}\n");
    if (line->err != ERR_OK && line->out->length > line->start) {
        line->out->length = line->start;
        line->out->data[line->start] = '\0';
    }
    return line->err;
}

err_t frame_write_login(buffer_t *out, const char *username, const char *token)
{
    line_t line = begin(out, "{\"type\":\"login\"");
    member(&line, "username", username);
    member(&line, "token", token != NULL && token[0] != '\0' ? token : NULL);
    return end(&line);
}

err_t frame_write_login_success(buffer_t *out, const char *username, frame_names_t others,
                                size_t max_message_bytes)
{
    err_t err = buffer_reserve(out, others.length + LOGIN_EXTRA);
    if (err != ERR_OK)
        return err;
    line_t line = begin(out, "{\"type\":\"login_success\"");
    member(&line, "username", username);
    open_array(&line, "online_users");
    names(&line, others);
    raw(&line, others.length > 0 ? "," : "");
    if (line.err == ERR_OK)
        line.err = json_append_string(out, username, strlen(username));
    raw(&line, "]");
    number(&line, "max_message_bytes", max_message_bytes);
    return end(&line);
}

err_t frame_write_message(buffer_t *out, const message_t *message, bool stored, bool resend)
{
    line_t line = begin(out, "{");
    if (line.err == ERR_OK)
        line.err = message_append_members(out, message);
    if (stored)
        raw(&line, ",\"stored\":true");
    if (resend)
        raw(&line, ",\"resend\":true");
    return end(&line);
}

static inline char *put(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}
#define PUT(to, literal) put(to, literal, sizeof literal - 1)

static inline char *put_span(char *to, span_t span)
{
    return put(to, span.data, span.length);
}

/* What was written from the buffer's end up to `to` belongs to it. */
static err_t commit(buffer_t *out, char *to)
{
    *to = '\0';
    out->length = (size_t)(to - out->data);
    return ERR_OK;
}

enum { CHAT_NAMES = 128, DELIVERED_NAMES = 64 }; /* more than what stands between the parts */

err_t frame_write_chat(buffer_t *out, const frame_chat_t *chat)
{
    err_t err = buffer_reserve(out, CHAT_NAMES + TIMESTAMP_SIZE + chat->id.length + chat->sender.length +
                                        chat->destination.length + chat->text.length);
    if (err != ERR_OK)
        return err;
    char *to = out->data + out->length;
    to = put_span(PUT(to, "{\"id\":\""), chat->id);
    to = put_span(PUT(to, "\",\"sender\":\""), chat->sender);
    to = put_span(PUT(to, "\",\"destination\":\""), chat->destination);
    to = put(PUT(to, "\",\"timestamp\":\""), chat->timestamp, TIMESTAMP_SIZE - 1);
    to = put_span(PUT(to, "\",\"type\":\"chat\",\"metadata\":{},\"message\":\""), chat->text);
    return commit(out, PUT(to, "\"}\n"));
}

err_t frame_write_delivered(buffer_t *out, span_t id)
{
    err_t err = buffer_reserve(out, DELIVERED_NAMES + id.length);
    if (err != ERR_OK)
        return err;
    char *to = put_span(PUT(out->data + out->length, "{\"type\":\"receipt\",\"id\":\""), id);
    return commit(out, PUT(to, "\",\"status\":\"delivered\"}\n"));
}

err_t frame_write_receipt(buffer_t *out, const char *id, receipt_status_t status, err_t why)
{
    bool refused = why != ERR_OK;
    return frame_write_receipt_reason(out, id, status, refused ? err_code(why) : NULL,
                                      refused ? err_text(why) : NULL);
}

err_t frame_write_receipt_reason(buffer_t *out, const char *id, receipt_status_t status, const char *code,
                                 const char *reason)
{
    line_t line = begin(out, "{\"type\":\"receipt\"");
    member(&line, "id", id);
    member(&line, "status", receipt_status_name(status));
    member(&line, "code", code);
    member(&line, "reason", reason);
    return end(&line);
}

err_t frame_write_got(buffer_t *out, const char *sender, const char *id)
{
    line_t line = begin(out, "{\"type\":\"got\"");
    member(&line, "sender", sender);
    member(&line, "id", id);
    return end(&line);
}

err_t frame_write_command(buffer_t *out, command_t command)
{
    line_t line = begin(out, "{\"type\":\"command\"");
    member(&line, "command", command_name(command));
    return end(&line);
}

err_t frame_write_presence(buffer_t *out, frame_names_t joined, frame_names_t left, size_t online)
{
    line_t line = begin(out, "{\"type\":\"presence\"");
    names_member(&line, "joined", joined);
    names_member(&line, "left", left);
    number(&line, "online", online);
    return end(&line);
}

err_t frame_write_error(buffer_t *out, err_t why)
{
    line_t line = begin(out, "{\"type\":\"error\"");
    member(&line, "code", err_code(why));
    member(&line, "message", err_text(why));
    return end(&line);
}

err_t frame_write_partial(buffer_t *out, frame_side_t writer, const char *peer, const char *id,
                          const char *text, size_t length)
{
    line_t line = begin(out, "{\"type\":\"partial\"");
    member(&line, writer == FRAME_SIDE_CLIENT ? "destination" : "sender", peer);
    member(&line, "id", id);
    raw(&line, ",\"text\":");
    if (line.err == ERR_OK)
        line.err = json_append_string(out, text, length);
    return end(&line);
}

static line_t begin_result(buffer_t *out, command_t command)
{
    line_t line = begin(out, "{\"type\":\"result\"");
    member(&line, "command", command_name(command));
    return line;
}

err_t frame_write_result_check(buffer_t *out, size_t stored)
{
    line_t line = begin_result(out, COMMAND_CHECK);
    number(&line, "stored", stored);
    return end(&line);
}

err_t frame_write_result_users(buffer_t *out, const char *const *users, size_t count, size_t online)
{
    line_t line = begin_result(out, COMMAND_USERS);
    open_array(&line, "users");
    for (size_t i = 0; i < count; i++) {
        raw(&line, i > 0 ? "," : "");
        if (line.err == ERR_OK)
            line.err = json_append_string(out, users[i], strlen(users[i]));
    }
    raw(&line, "]");
    number(&line, "online", online);
    return end(&line);
}

err_t frame_write_result_ping(buffer_t *out)
{
    line_t line = begin_result(out, COMMAND_PING);
    return end(&line);
}
