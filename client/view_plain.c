/* Plain lines, for scripts: what arrives and what commands answer goes to the output, trouble to standard
 * error. Receipts are told by the exit status (and by --json). */
#include "common/text.h"
#include "view.h"
#include <string.h>

enum { NAMES_SHOWN = 1000 };

static void show_offline(view_t *view, err_t why, bool ever_online, bool retrying)
{
    buffer_appendf(&view->notices, "p2p-client: %s: %s%s\n", ever_online ? "connection lost" : "no session",
                   err_text(why), retrying ? ", trying again" : "");
}

/* Each line with its own head, so that no text can look like another's line. */
static void show_message(view_t *view, const message_t *message, bool stored)
{
    char time[32];
    size_t time_length = view_local_time(message->timestamp, "%Y-%m-%d %H:%M:%S ", time, sizeof time);
    const char *text = message->text, *end = message->text + message->text_length;
    for (;;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        buffer_append(&view->lines, time, time_length);
        text_append_printable(&view->lines, message->sender, strlen(message->sender), false);
        buffer_append_text(&view->lines, stored ? " (stored): " : ": ");
        text_append_printable(&view->lines, text, (size_t)(stop - text), true);
        buffer_append_char(&view->lines, '\n');
        if (!newline)
            return;
        text = newline + 1;
    }
}

static void show_receipt(view_t *view, const char *id, const sent_record_t *record, receipt_status_t status,
                         bool away, const char *code, const char *reason)
{
    (void)away;
    if (status != RECEIPT_REJECTED)
        return;
    const char *why = reason ? reason : code ? code : "no reason was given";
    buffer_appendf(&view->notices, "p2p-client: message %s to '%s' was refused: ", id,
                   record ? record->destination : "?");
    text_append_printable(&view->notices, why, strlen(why), false);
    buffer_append_char(&view->notices, '\n');
}

static void show_users(view_t *view, const frame_t *result)
{
    buffer_appendf(&view->lines, "Users online (%lld): ", (long long)result->online);
    view_append_names(&view->lines, result->users, NAMES_SHOWN);
    buffer_append_char(&view->lines, '\n');
}

static void show_checked(view_t *view, int64_t stored)
{
    if (stored == 0)
        buffer_append_text(&view->lines, "No stored messages.\n");
}

static void show_problem(view_t *view, const char *code, const char *text, size_t line)
{
    (void)code;
    buffer_append_text(&view->notices, "p2p-client: ");
    if (line > 0)
        buffer_appendf(&view->notices, "line %zu: ", line);
    text_append_printable(&view->notices, text, strlen(text), false);
    buffer_append_char(&view->notices, '\n');
}

static void show_note(view_t *view, const char *text)
{
    buffer_append_text(&view->lines, text);
}

static void show_end(view_t *view, int status, size_t unacknowledged)
{
    (void)status;
    if (unacknowledged > 0)
        buffer_appendf(&view->notices, "p2p-client: %zu message%s not acknowledged\n", unacknowledged,
                       unacknowledged == 1 ? " was" : "s were");
}

static const view_kind_t kind = {
    .offline = show_offline,
    .message = show_message,
    .receipt = show_receipt,
    .users = show_users,
    .checked = show_checked,
    .problem = show_problem,
    .note = show_note,
    .end = show_end,
};

view_t *view_new_plain(void)
{
    return view_new(&kind);
}
