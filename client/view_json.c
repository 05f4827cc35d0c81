/* One JSON object a line, for programs: {"event":"message",…}. */
#include "common/text.h"
#include "view.h"
#include <string.h>
#include <utf8proc.h>

/* Where the line being written begins; the lines before it are finished. */
static size_t line_start(const buffer_t *lines)
{
    const char *newline = memrchr(buffer_text(lines), '\n', lines->length);
    return newline ? (size_t)(newline + 1 - lines->data) : 0;
}

static void begin(view_t *view, const char *event)
{
    buffer_append_text(&view->lines, "{");
    json_append_member(&view->lines, "event", event);
}

static void append_text(view_t *view, const char *name, const char *text)
{
    json_append_member(&view->lines, name, text);
}

static void append_bool(view_t *view, const char *name, bool value)
{
    json_append_name(&view->lines, name);
    buffer_append_text(&view->lines, value ? "true" : "false");
}

static void append_names(view_t *view, const char *name, const cJSON *names)
{
    json_append_name(&view->lines, name);
    if (names)
        json_append_item(&view->lines, names);
    else
        buffer_append_text(&view->lines, "[]");
}

/* C1 controls, and what reorders or breaks lines, are valid JSON as they stand; not on a terminal, where
 * such output also ends up. */
static bool must_be_escaped(utf8proc_int32_t c)
{
    return (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void escape_line(buffer_t *out, const char *line, size_t length)
{
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t bytes =
            utf8proc_iterate((const utf8proc_uint8_t *)line + at, (utf8proc_ssize_t)(length - at), &c);
        if (bytes <= 0)
            bytes = 1; /* cannot be: every text was checked when its frame was parsed */
        if (must_be_escaped(c))
            buffer_appendf(out, "\\u%04x", (unsigned)c);
        else
            buffer_append(out, line + at, (size_t)bytes);
        at += (size_t)bytes;
    }
}

static void finish(view_t *view)
{
    size_t start = line_start(&view->lines), length;
    buffer_append_text(&view->lines, "}\n");
    const char *line = view->lines.data + start;
    length = view->lines.length - start;
    bool plain = true; /* nothing but ASCII, the usual case */
    for (size_t i = 0; i < length && plain; i++)
        plain = (unsigned char)line[i] < 0x7f;
    if (plain)
        return;
    buffer_t escaped;
    buffer_init(&escaped, 0);
    escape_line(&escaped, line, length);
    view->lines.length = start;
    buffer_append(&view->lines, escaped.data, escaped.length);
    buffer_free(&escaped);
}

static void show_login(view_t *view, const frame_t *login_success, const roster_t *roster, bool again)
{
    (void)roster;
    begin(view, "online");
    append_text(view, "username", login_success->username);
    append_names(view, "users", login_success->users);
    append_bool(view, "again", again);
    finish(view);
}

static void show_offline(view_t *view, err_t why, bool ever_online, bool retrying)
{
    (void)ever_online;
    begin(view, "offline");
    append_text(view, "code", err_code(why));
    append_text(view, "reason", err_text(why));
    append_bool(view, "retrying", retrying);
    finish(view);
}

static void show_message(view_t *view, const message_t *message, bool stored)
{
    begin(view, "message");
    buffer_append_char(&view->lines, ',');
    message_append_members(&view->lines, message);
    append_bool(view, "stored", stored);
    finish(view);
}

static void show_sent(view_t *view, const message_t *message, size_t line)
{
    begin(view, "sent");
    append_text(view, "id", message->id);
    append_text(view, "destination", message->destination);
    json_append_integer(&view->lines, "line", (int64_t)line);
    finish(view);
}

static void show_receipt(view_t *view, const char *id, const sent_record_t *record, receipt_status_t status,
                         bool away, const char *code, const char *reason)
{
    (void)away;
    begin(view, "receipt");
    append_text(view, "id", id);
    append_text(view, "destination", record ? record->destination : NULL);
    append_text(view, "status", receipt_status_name(status));
    append_text(view, "code", code);
    append_text(view, "reason", reason);
    finish(view);
}

static void show_presence(view_t *view, const frame_t *presence)
{
    begin(view, "presence");
    append_names(view, "joined", presence->joined);
    append_names(view, "left", presence->left);
    json_append_integer(&view->lines, "online", presence->online);
    finish(view);
}

static void show_users(view_t *view, const frame_t *result)
{
    begin(view, "users");
    append_names(view, "users", result->users);
    json_append_integer(&view->lines, "online", result->online);
    finish(view);
}

static void show_checked(view_t *view, int64_t stored)
{
    begin(view, "checked");
    json_append_integer(&view->lines, "stored", stored);
    finish(view);
}

static void show_partial(view_t *view, const char *sender, const char *id, const char *text)
{
    begin(view, "partial");
    append_text(view, "sender", sender);
    append_text(view, "id", id);
    append_text(view, "text", text);
    finish(view);
}

static void show_problem(view_t *view, const char *code, const char *text, size_t line)
{
    begin(view, "error");
    append_text(view, "code", code);
    append_text(view, "message", text);
    if (line > 0)
        json_append_integer(&view->lines, "line", (int64_t)line);
    finish(view);
}

static void show_note(view_t *view, const char *text)
{
    begin(view, "note");
    append_text(view, "message", text);
    finish(view);
}

static void show_end(view_t *view, int status, size_t unacknowledged)
{
    begin(view, "end");
    json_append_integer(&view->lines, "status", status);
    json_append_integer(&view->lines, "unacknowledged", (int64_t)unacknowledged);
    finish(view);
}

static const view_kind_t kind = {
    .login = show_login,
    .offline = show_offline,
    .message = show_message,
    .sent = show_sent,
    .receipt = show_receipt,
    .presence = show_presence,
    .users = show_users,
    .checked = show_checked,
    .partial = show_partial,
    .problem = show_problem,
    .note = show_note,
    .end = show_end,
};

view_t *view_new_json(void)
{
    return view_new(&kind);
}
