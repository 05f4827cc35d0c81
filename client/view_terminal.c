/* Lines for a person at a terminal: local time, colours where they are wanted, a line when the date changes,
 * ticks, and answers that grow row by row. Every row of a peer's text but the first is indented, so no text
 * can look like another's line or like ours. */
#include "common/alloc.h"
#include "common/text.h"
#include "growing.h"
#include "ticks.h"
#include "view.h"
#include "wrap.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 100, PRESENCE_MAX_ONLINE = 30, PRESENCE_NAMES = 5, EXCERPT_COLUMNS = 40 };

struct view_terminal {
    char date[64];                 /* of the last line shown */
    const growing_item_t *current; /* the last row on the screen belongs to it; NULL = to something else */
    growing_t growing;
    ticks_t ticks;
};

/* The start of a message's first row, and where its other rows begin. */
typedef struct {
    buffer_t text;
    int width, indent;
} head_t;

static const char DIM[] = "\033[2m", RED[] = "\033[31m", GREEN[] = "\033[32m", RESET[] = "\033[0m";
/* No red: that is for trouble. */
static const char *const name_colours[] = {"\033[1;32m", "\033[1;33m", "\033[1;34m",
                                           "\033[1;35m", "\033[1;36m", "\033[1m"};

void view_terminal_free(struct view_terminal *terminal)
{
    if (!terminal)
        return;
    growing_free(&terminal->growing);
    free(terminal);
}

static void style(const view_t *view, buffer_t *out, const char *sequence)
{
    if (view->colour)
        buffer_append_text(out, sequence);
}

static const char *colour_of(const char *name)
{
    unsigned sum = 2166136261u;
    for (const char *c = name; *c; c++)
        sum = (sum ^ (unsigned char)*c) * 16777619u;
    return name_colours[sum % (sizeof name_colours / sizeof *name_colours)];
}

/* One line of ours that isn't a message, in one style. `format` may hold escaped text only. */
static void __attribute__((format(printf, 3, 4)))
say(view_t *view, const char *sequence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *whole = NULL;
    if (vasprintf(&whole, format, arguments) < 0)
        abort();
    va_end(arguments);

    view->terminal->current = NULL;
    style(view, &view->lines, sequence);
    buffer_append_text(&view->lines, whole);
    style(view, &view->lines, RESET);
    buffer_append_char(&view->lines, '\n');
    free(whole);
}

static void show_date(view_t *view, const char *timestamp)
{
    char date[sizeof view->terminal->date];
    view_local_time(timestamp, "%A, %-d %B %Y", date, sizeof date);
    if (strcmp(date, view->terminal->date) == 0)
        return;
    strcpy(view->terminal->date, date);
    say(view, DIM, "── %s ──", date);
}

static void make_head(view_t *view, head_t *head, const char *timestamp, const char *sender,
                      const char *remark)
{
    char time[16];
    show_date(view, timestamp);
    buffer_init(&head->text, 0);
    view_local_time(timestamp, "%H:%M", time, sizeof time);
    style(view, &head->text, DIM);
    buffer_append_text(&head->text, time);
    style(view, &head->text, RESET);
    buffer_append_char(&head->text, ' ');
    style(view, &head->text, colour_of(sender));
    wrap_append(&head->text, sender, strlen(sender));
    style(view, &head->text, RESET);
    style(view, &head->text, DIM);
    buffer_append_text(&head->text, remark);
    style(view, &head->text, RESET);
    buffer_append_text(&head->text, ": ");
    head->width = (int)strlen(time) + 1 + wrap_width(sender, strlen(sender)) + (int)strlen(remark) + 2;
    head->indent = head->width < view->columns / 3 ? head->width : 6;
}

/* Appends rows of the text and returns how many bytes they took: all of it when it is whole, else only rows
 * that can't change any more. The first row gets the head, when there is one. */
static size_t append_rows(view_t *view, const char *text, size_t length, bool whole, head_t *head,
                          bool with_head)
{
    size_t used = 0;
    while (used < length) {
        const char *newline = memchr(text + used, '\n', length - used);
        size_t rest = newline ? (size_t)(newline - text) - used : length - used;
        int room = view->columns - 1 - (with_head ? head->width : head->indent);
        bool full;
        size_t row = wrap_row(text + used, rest, room, &full);
        if (!whole && !full && !newline)
            break;
        if (with_head)
            buffer_append(&view->lines, head->text.data, head->text.length);
        else
            buffer_appendf(&view->lines, "%*s", head->indent, "");
        with_head = false;
        size_t printed = row;
        while (printed > 0 && text[used + printed - 1] == ' ')
            printed--;
        wrap_append(&view->lines, text + used, printed);
        buffer_append_char(&view->lines, '\n');
        used += row + (!full && newline ? 1 : 0);
    }
    return used;
}

static void message_remark(const message_t *message, bool stored, char *out, size_t size)
{
    const char *type = message->type == MESSAGE_CHAT ? "" : message_type_name(message->type);
    bool to_all = strcmp(message->destination, "all") == 0;
    const char *waited = stored ? "stored" : "";
    const char *everyone = to_all ? "to all" : "";
    const char *parts[] = {type, everyone, waited};
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i][0])
            length += (size_t)snprintf(out + length, size - length, "%s%s", length ? ", " : " (", parts[i]);
    }
    if (length)
        snprintf(out + length, size - length, ")");
}

static void show_message(view_t *view, const message_t *message, bool stored)
{
    struct view_terminal *terminal = view->terminal;
    growing_item_t *item = growing_find(&terminal->growing, message->sender, message->id);
    size_t shown = 0;
    if (item && growing_continues(item, message->text, message->text_length))
        shown = item->shown.length;
    if (shown < message->text_length || shown == 0) {
        char remark[64];
        head_t head;
        message_remark(message, stored, remark, sizeof remark);
        make_head(view, &head, message->timestamp, message->sender, remark);
        bool goes_on = shown > 0 && terminal->current == item;
        append_rows(view, message->text + shown, message->text_length - shown, true, &head, !goes_on);
        buffer_free(&head.text);
    }
    terminal->current = NULL;
    if (item)
        growing_drop(item);
}

static void show_partial(view_t *view, const char *sender, const char *id, const char *text)
{
    struct view_terminal *terminal = view->terminal;
    size_t length = strlen(text);
    growing_item_t *item = growing_get(&terminal->growing, sender, id);
    if (!text_is_message(text, length) || !growing_continues(item, text, length))
        return; /* the whole message will tell */
    head_t head;
    char now[TIMESTAMP_SIZE];
    timestamp_format_now(now);
    make_head(view, &head, now, sender, "");
    bool goes_on = item->shown.length > 0 && terminal->current == item;
    size_t used =
        append_rows(view, text + item->shown.length, length - item->shown.length, false, &head, !goes_on);
    if (used > 0) {
        buffer_append(&item->shown, text + item->shown.length, used);
        terminal->current = item;
    }
    buffer_free(&head.text);
}

static void show_login(view_t *view, const frame_t *login_success, const roster_t *roster, bool again)
{
    if (again) {
        say(view, DIM, "Connected again.");
        return;
    }
    say(view, DIM, "Connected. Type NAME: MESSAGE to write, !help for more.");
    if (roster_count(roster) < 2) {
        say(view, DIM, "Nobody else is online.");
        return;
    }
    buffer_t names;
    buffer_init(&names, 0);
    view_append_names(&names, login_success->users, NAMES_SHOWN);
    say(view, DIM, "Online: %s", buffer_text(&names));
    buffer_free(&names);
}

static void show_offline(view_t *view, err_t why, bool ever_online, bool retrying)
{
    say(view, RED, "%s: %s.%s", ever_online ? "Connection lost" : "Not connected", err_text(why),
        retrying ? " Trying again…" : "");
}

static void say_tick(view_t *view, const tick_t *tick, int count)
{
    bool delivered = tick->status == RECEIPT_DELIVERED;
    buffer_t what;
    buffer_init(&what, 0);
    if (count == 1)
        wrap_append_cut(&what, tick->record.excerpt, strlen(tick->record.excerpt), EXCERPT_COLUMNS,
                        tick->record.cut);
    else
        buffer_appendf(&what, "%d messages", count);
    view->terminal->current = NULL;
    buffer_append_text(&view->lines, "      ");
    style(view, &view->lines, GREEN);
    buffer_append_text(&view->lines, delivered ? "✓✓" : "✓ ");
    style(view, &view->lines, RESET);
    style(view, &view->lines, DIM);
    buffer_appendf(&view->lines, " %s: %s%s", tick->record.destination, buffer_text(&what),
                   !delivered && tick->away ? "  (offline, saved)" : "");
    style(view, &view->lines, RESET);
    buffer_append_char(&view->lines, '\n');
    buffer_free(&what);
}

static void settle(view_t *view)
{
    ticks_t *ticks = &view->terminal->ticks;
    for (int first = 0; first < ticks->count;) {
        int count = ticks_group(ticks, first);
        if (count <= 3) {
            for (int i = 0; i < count; i++)
                say_tick(view, &ticks->items[first + i], 1);
        } else {
            say_tick(view, &ticks->items[first], count);
        }
        first += count;
    }
    ticks->count = 0;
}

static void show_receipt(view_t *view, const char *id, const sent_record_t *record, receipt_status_t status,
                         bool away, const char *code, const char *reason)
{
    (void)id;
    if (!record)
        return;
    if (status != RECEIPT_REJECTED) {
        if (!ticks_add(&view->terminal->ticks, record, status, away)) {
            settle(view);
            ticks_add(&view->terminal->ticks, record, status, away);
        }
        return;
    }
    buffer_t text;
    buffer_init(&text, 0);
    const char *why = reason ? reason : code ? code : "no reason was given";
    wrap_append_cut(&text, record->excerpt, strlen(record->excerpt), EXCERPT_COLUMNS, record->cut);
    buffer_append_text(&text, "  — ");
    wrap_append(&text, why, strlen(why));
    say(view, RED, "      ✗  %s: %s", record->destination, buffer_text(&text));
    buffer_free(&text);
}

static void show_presence(view_t *view, const frame_t *presence)
{
    if (presence->online > PRESENCE_MAX_ONLINE)
        return;
    buffer_t text;
    buffer_init(&text, 0);
    if (cJSON_GetArraySize(presence->joined) > 0) {
        view_append_names(&text, presence->joined, PRESENCE_NAMES);
        buffer_append_text(&text, " joined");
    }
    if (cJSON_GetArraySize(presence->left) > 0) {
        buffer_append_text(&text, text.length ? "; " : "");
        view_append_names(&text, presence->left, PRESENCE_NAMES);
        buffer_append_text(&text, " left");
    }
    if (text.length)
        say(view, DIM, "· %s", buffer_text(&text));
    buffer_free(&text);
}

static void show_users(view_t *view, const frame_t *result)
{
    buffer_t names;
    buffer_init(&names, 0);
    view_append_names(&names, result->users, NAMES_SHOWN);
    say(view, DIM, "Users online (%lld): %s", (long long)result->online, buffer_text(&names));
    buffer_free(&names);
}

static void show_checked(view_t *view, int64_t stored)
{
    if (stored == 0)
        say(view, DIM, "No stored messages.");
}

static void show_problem(view_t *view, const char *code, const char *text, size_t line)
{
    (void)code;
    (void)line;
    buffer_t safe;
    buffer_init(&safe, 0);
    wrap_append(&safe, text, strlen(text));
    say(view, RED, "! %s", buffer_text(&safe));
    buffer_free(&safe);
}

static void show_note(view_t *view, const char *text)
{
    view->terminal->current = NULL;
    style(view, &view->lines, DIM);
    buffer_append_text(&view->lines, text);
    style(view, &view->lines, RESET);
}

static void show_end(view_t *view, int status, size_t unacknowledged)
{
    (void)status;
    if (unacknowledged > 0)
        say(view, RED, "%zu message%s not acknowledged by the server.", unacknowledged,
            unacknowledged == 1 ? " was" : "s were");
}

static const view_kind_t kind = {
    .login = show_login,
    .offline = show_offline,
    .message = show_message,
    .receipt = show_receipt,
    .settle = settle,
    .presence = show_presence,
    .users = show_users,
    .checked = show_checked,
    .partial = show_partial,
    .problem = show_problem,
    .note = show_note,
    .end = show_end,
};

view_t *view_new_terminal(int columns, bool colour)
{
    view_t *view = view_new(&kind);
    view->columns = columns;
    view->colour = colour;
    view->terminal = alloc_new(struct view_terminal);
    return view;
}
