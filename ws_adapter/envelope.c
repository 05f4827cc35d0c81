#include "envelope.h"
#include "common/alloc.h"
#include "common/frame_scan.h"
#include <stdio.h>
#include <string.h>

static err_t parse_login(envelope_t *envelope, size_t max_message_bytes)
{
    (void)max_message_bytes;
    envelope->username = json_string(envelope->json, "username");
    envelope->says_got = json_bool(envelope->json, "got", false);
    return envelope->username ? ERR_OK : ERR_INVALID_FRAME;
}

/* A message as any client sends it, but for the name of its destination. */
static err_t parse_chat(envelope_t *envelope, size_t max_message_bytes)
{
    cJSON *json = envelope->json;
    cJSON *recipient = cJSON_DetachItemFromObjectCaseSensitive(json, "recipient");

    envelope->resend = json_bool(json, "resend", false);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "destination");
    if (!recipient || !cJSON_AddItemToObject(json, "destination", recipient)) {
        cJSON_Delete(recipient);
        return ERR_INVALID_FRAME;
    }
    return message_from_json(json, MESSAGE_FROM_CLIENT, max_message_bytes, &envelope->message, NULL);
}

static err_t parse_command(envelope_t *envelope, size_t max_message_bytes)
{
    static const command_t commands[] = {COMMAND_CHECK, COMMAND_USERS, COMMAND_PING};
    const char *name = json_string(envelope->json, "command");

    (void)max_message_bytes;
    if (!name)
        return ERR_INVALID_FRAME;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(name, command_name(commands[i])) == 0) {
            envelope->command = commands[i];
            return ERR_OK;
        }
    }
    return ERR_UNKNOWN_COMMAND;
}

static err_t parse_got(envelope_t *envelope, size_t max_message_bytes)
{
    (void)max_message_bytes;
    const char *sender = json_string(envelope->json, "sender"), *id = json_string(envelope->json, "id");
    if (!sender || sender[0] == '\0' || strlen(sender) >= USERNAME_SIZE)
        return ERR_INVALID_FRAME;
    if (!id || !id_is_valid(id, strlen(id)))
        return ERR_INVALID_ID;
    strcpy(envelope->sender, sender);
    strcpy(envelope->id, id);
    return ERR_OK;
}

static const struct {
    const char *name;
    envelope_type_t type;
    err_t (*parse)(envelope_t *envelope, size_t max_message_bytes);
} parsers[] = {
    {"chat", ENVELOPE_CHAT, parse_chat},
    {"got", ENVELOPE_GOT, parse_got},
    {"command", ENVELOPE_COMMAND, parse_command},
    {"login", ENVELOPE_LOGIN, parse_login},
};

static err_t parse_object(envelope_t *envelope, size_t max_message_bytes)
{
    const char *name = json_string(envelope->json, "type");

    if (!name)
        return ERR_INVALID_FRAME;
    for (size_t i = 0; i < sizeof parsers / sizeof parsers[0]; i++) {
        if (strcmp(name, parsers[i].name) == 0) {
            envelope->type = parsers[i].type;
            return parsers[i].parse(envelope, max_message_bytes);
        }
    }
    return ERR_INVALID_FRAME;
}

/* ---- what busy browsers say, without a tree ---- */

/* span: shorter than `to`. */
static void copy_span(char *to, span_t span)
{
    memcpy(to, span.data, span.length);
    to[span.length] = '\0';
}

static bool take_message(const frame_view_t *view, message_t *message)
{
    message->id[0] = message->sender[0] = message->timestamp[0] = '\0';
    message->type = MESSAGE_CHAT;
    if (username_normalise_destination(view->destination.data, view->destination.length,
                                       message->destination) != ERR_OK)
        return false;
    if (view->id.length > 0)
        copy_span(message->id, view->id);
    message->text = try_string_n(view->text.data, view->text.length);
    message->text_length = view->text.length;
    message->metadata = try_string_n("{}", 2);
    message->metadata_length = 2;
    if (message->text && message->metadata)
        return true;
    message_free(message);
    return false;
}

/* False, with nothing owned by *out: for the other parser to take, or to refuse. */
static bool parse_plain(const char *text, size_t length, size_t max_message_bytes, envelope_t *out)
{
    frame_view_t view;

    if (!frame_scan_envelope(text, length, max_message_bytes, &view))
        return false;
    out->json = NULL;
    out->username = NULL;
    out->resend = out->says_got = false;
    if (view.type == FRAME_MESSAGE) {
        out->type = ENVELOPE_CHAT;
        return take_message(&view, &out->message);
    }
    out->type = ENVELOPE_GOT;
    out->message.text = out->message.metadata = NULL;
    if (view.sender.length >= USERNAME_SIZE)
        return false;
    copy_span(out->sender, view.sender);
    copy_span(out->id, view.id);
    return true;
}

static err_t parse_any(const char *text, size_t length, size_t max_message_bytes, envelope_t *out,
                       char id[ID_SIZE])
{
    envelope_t envelope;

    memset(&envelope, 0, sizeof envelope);
    err_t err;
    envelope.json = json_parse_why(text, length, &err);
    if (err == ERR_OK)
        err = !cJSON_IsObject(envelope.json) ? ERR_NOT_JSON : parse_object(&envelope, max_message_bytes);
    if (err == ERR_OK) {
        *out = envelope;
        return ERR_OK;
    }
    const char *given = envelope.json ? json_string(envelope.json, "id") : NULL;
    if (envelope.type == ENVELOPE_CHAT && given && id_is_valid(given, strlen(given)))
        strcpy(id, given);
    envelope_free(&envelope);
    return err;
}

err_t envelope_parse(const char *text, size_t length, size_t max_message_bytes, envelope_t *out,
                     char id[ID_SIZE])
{
    envelope_t plain;

    id[0] = '\0';
    if (!parse_plain(text, length, max_message_bytes, &plain))
        return parse_any(text, length, max_message_bytes, out, id);
    *out = plain;
    return ERR_OK;
}

void envelope_free(envelope_t *envelope)
{
    message_free(&envelope->message);
    cJSON_Delete(envelope->json);
    envelope->json = NULL;
}

/* ---- to the browser ---- */

/* Steps of a writer: each does nothing once one has failed. */
typedef struct {
    buffer_t *out;
    err_t err;
} writer_t;

static writer_t begin(buffer_t *out, const char *type)
{
    writer_t writer = {out, buffer_append_char(out, '{')};

    if (writer.err == ERR_OK)
        writer.err = json_append_member(out, "type", type);
    return writer;
}

static void add(writer_t *writer, const char *name, const char *value)
{
    if (writer->err == ERR_OK)
        writer->err = json_append_member(writer->out, name, value);
}

/* before: the name as it is written, `,"id":"`. Ids, names, types and timestamps are checked, and need no escape. */
static void add_checked(writer_t *writer, const char *before, const char *value)
{
    if (writer->err == ERR_OK)
        writer->err = buffer_append_text(writer->out, before);
    if (writer->err == ERR_OK)
        writer->err = buffer_append_text(writer->out, value);
    if (writer->err == ERR_OK)
        writer->err = buffer_append_char(writer->out, '"');
}

static void add_integer(writer_t *writer, const char *name, int64_t value)
{
    if (writer->err == ERR_OK)
        writer->err = json_append_integer(writer->out, name, value);
}

/* value: JSON as it stands. */
static void add_json(writer_t *writer, const char *name, const char *value)
{
    if (writer->err == ERR_OK)
        writer->err = json_append_name(writer->out, name);
    if (writer->err == ERR_OK)
        writer->err = buffer_append_text(writer->out, value);
}

static void add_item(writer_t *writer, const char *name, const cJSON *item)
{
    if (!item)
        return;
    if (writer->err == ERR_OK)
        writer->err = json_append_name(writer->out, name);
    if (writer->err == ERR_OK)
        writer->err = json_append_item(writer->out, item);
}

static void add_roster(writer_t *writer, const roster_t *roster)
{
    if (writer->err == ERR_OK)
        writer->err = roster_append(roster, writer->out);
}

static err_t end(writer_t *writer)
{
    return writer->err == ERR_OK ? buffer_append_char(writer->out, '}') : writer->err;
}

err_t envelope_write_login_success(buffer_t *out, const char *username, const roster_t *roster,
                                   size_t max_message_bytes)
{
    writer_t writer = begin(out, "login_success");

    add(&writer, "username", username);
    add_roster(&writer, roster);
    add_integer(&writer, "max_message_bytes", (int64_t)max_message_bytes);
    return end(&writer);
}

err_t envelope_write_presence(buffer_t *out, bool joined, const char *username, const roster_t *roster,
                              size_t online)
{
    writer_t writer = begin(out, joined ? "user_joined" : "user_left");

    add(&writer, "username", username);
    if (roster)
        add_roster(&writer, roster);
    if (online > 0)
        add_integer(&writer, "online", (int64_t)online);
    return end(&writer);
}

err_t envelope_write_message(buffer_t *out, const message_t *message, bool stored)
{
    bool chat = message->type == MESSAGE_CHAT || message->type == MESSAGE_COMMAND;
    writer_t writer = {out, ERR_OK};

    add_checked(&writer, "{\"type\":\"", stored ? "stored" : chat ? "chat" : "notification");
    add_checked(&writer, ",\"message_type\":\"", message_type_name(message->type));
    add_checked(&writer, ",\"sender\":\"", message->sender);
    add(&writer, "message", message->text);
    add_checked(&writer, ",\"timestamp\":\"", message->timestamp);
    add_checked(&writer, ",\"id\":\"", message->id);
    add_json(&writer, "metadata", message->metadata);
    return end(&writer);
}

err_t envelope_write_receipt(buffer_t *out, const char *id, receipt_status_t status, const char *code,
                             const char *reason)
{
    writer_t writer = {out, ERR_OK};

    add_checked(&writer, "{\"type\":\"", "receipt");
    add_checked(&writer, ",\"id\":\"", id);
    add_checked(&writer, ",\"status\":\"", receipt_status_name(status));
    add(&writer, "code", code);
    add(&writer, "reason", reason);
    return end(&writer);
}

static void add_check(writer_t *writer, const frame_t *result)
{
    char text[64] = "No stored messages.";

    if (result->count > 0)
        snprintf(text, sizeof text, "%lld stored message%s.", (long long)result->count,
                 result->count == 1 ? "" : "s");
    add(writer, "message", text);
    add_integer(writer, "stored", result->count);
}

static void add_users(writer_t *writer, const frame_t *result)
{
    buffer_t text;
    const cJSON *user;
    const char *separator = "Users online: ";

    buffer_init(&text, 0);
    cJSON_ArrayForEach(user, result->users)
    {
        buffer_append_text(&text, separator);
        buffer_append_text(&text, user->valuestring);
        separator = ", ";
    }
    add(writer, "message", text.length > 0 ? text.data : "Nobody is online.");
    buffer_free(&text);
    add_item(writer, "users", result->users);
    add_integer(writer, "online", result->online);
}

static void add_ping(writer_t *writer, const frame_t *result)
{
    (void)result;
    add(writer, "message", "The server answers.");
}

err_t envelope_write_result(buffer_t *out, const frame_t *result)
{
    static void (*const members[])(writer_t * writer, const frame_t *result) = {
        [COMMAND_CHECK] = add_check,
        [COMMAND_USERS] = add_users,
        [COMMAND_PING] = add_ping,
    };
    writer_t writer = begin(out, "system");

    add(&writer, "command", command_name(result->command));
    members[result->command](&writer, result);
    return end(&writer);
}

err_t envelope_write_error(buffer_t *out, const char *code, const char *text)
{
    writer_t writer = begin(out, "error");

    add(&writer, "code", code);
    add(&writer, "message", text);
    return end(&writer);
}

err_t envelope_write_partial(buffer_t *out, const char *sender, const char *id, const char *text)
{
    writer_t writer = begin(out, "partial");

    add(&writer, "sender", sender);
    add(&writer, "id", id);
    add(&writer, "message", text);
    return end(&writer);
}
