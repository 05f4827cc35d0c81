/* What a server says, on a person's terminal and in a script: nothing in it does anything to a terminal, and no line of
 * a peer can look like another's. The first byte is the width of the terminal, every line is a frame, or is typed. */
#include "client/typed.h"
#include "client/view.h"
#include "common/alloc.h"
#include "common/text.h"
#include "fuzz.h"

enum { MAX_BYTES = 256, VIEWS = 4, COLOURED = 1, PLAIN = 2, JSON = 3 };

/* Only printable characters and newlines; with colours also our own SGR sequences. tabs: for scripts. */
static void check_harmless(const buffer_t *out, bool coloured, bool tabs)
{
    buffer_t rest;
    buffer_init(&rest, 0);
    for (const char *c = buffer_text(out); *c != '\0'; c++) {
        if (coloured && c[0] == '\033') {
            FUZZ_CHECK(c[1] == '[');
            c += 2 + strspn(c + 2, "0123456789;");
            FUZZ_CHECK(*c == 'm');
            continue;
        }
        FUZZ_CHECK(*c != '\t' || tabs);
        buffer_append_char(&rest, *c);
    }
    FUZZ_CHECK(out->length == strlen(buffer_text(out)) && text_is_message(buffer_text(&rest), rest.length));
    static const char *const tricks[] = {"\xE2\x80\xAE", "\xE2\x80\xAD", "\xE2\x81\xA6", "\xE2\x80\xA8"};
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++)
        FUZZ_CHECK(strstr(buffer_text(&rest), tricks[i]) == NULL);
    buffer_free(&rest);
}

/* Rows behind the first one are indented; they can't be forged. */
static void check_rows(const buffer_t *lines, const message_t *message)
{
    size_t heads = 0;
    for (const char *line = buffer_text(lines); *line != '\0'; line = strchr(line, '\n') + 1) {
        bool date = strncmp(line, "\xE2\x94\x80", 3) == 0; /* "── Monday …" */
        heads += *line != ' ' && !date;
    }
    FUZZ_CHECK(heads == (message->text_length > 0));
}

static void check_plain(const buffer_t *lines, const message_t *message)
{
    for (const char *line = buffer_text(lines); *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *sender = line + strlen("2026-11-22 17:01:39 ");
        FUZZ_CHECK(strncmp(sender, message->sender, strlen(message->sender)) == 0);
    }
}

static void check_json(const buffer_t *lines)
{
    for (const char *line = buffer_text(lines); *line != '\0'; line = strchr(line, '\n') + 1) {
        cJSON *json = json_parse(line, (size_t)(strchr(line, '\n') - line));
        FUZZ_CHECK(json != NULL && json_string(json, "event") != NULL);
        cJSON_Delete(json);
    }
}

static void show_receipt(view_t *view, const frame_t *frame)
{
    sent_record_t record = {.id = "1", .destination = "bob", .cut = true};
    const char *text = frame->reason != NULL ? frame->reason : "";
    size_t length = text_cut(text, strlen(text), SENT_EXCERPT_BYTES);
    memcpy(record.excerpt, text, length);
    view->kind->receipt(view, frame->id, &record, frame->status, true, frame->code, frame->reason);
    view->kind->receipt(view, frame->id, NULL, frame->status, true, frame->code, frame->reason);
}

static void show(view_t *view, const frame_t *frame)
{
    const view_kind_t *kind = view->kind;
    if (frame->type == FRAME_MESSAGE)
        kind->message(view, &frame->message, frame->stored);
    else if (frame->type == FRAME_RECEIPT)
        show_receipt(view, frame);
    else if (frame->type == FRAME_PRESENCE && kind->presence)
        kind->presence(view, frame);
    else if (frame->type == FRAME_PARTIAL && kind->partial)
        kind->partial(view, frame->sender, frame->id, frame->text);
    else if (frame->type == FRAME_ERROR)
        kind->problem(view, frame->code, frame->reason ? frame->reason : frame->code, 1);
    else if (frame->type == FRAME_RESULT && frame->command == COMMAND_USERS)
        kind->users(view, frame);
    else if (frame->type == FRAME_RESULT)
        kind->checked(view, frame->count);
}

static void show_line(view_t *const *views, const char *line, size_t length)
{
    frame_t frame;
    if (frame_parse(line, length, FRAME_SIDE_CLIENT, MAX_BYTES, &frame, NULL) != ERR_OK)
        return;
    for (int i = 0; i < VIEWS; i++) {
        view_t *view = views[i];
        bool grown = view->terminal != NULL && frame.type == FRAME_MESSAGE;
        buffer_clear(&view->lines);
        show(view, &frame);
        if (i == 0 && grown && frame.resend) /* in the seeds' own words: nothing of it was shown before */
            check_rows(&view->lines, &frame.message);
        if (i == PLAIN && frame.type == FRAME_MESSAGE)
            check_plain(&view->lines, &frame.message);
        if (i == JSON)
            check_json(&view->lines);
        if (view->kind->settle)
            view->kind->settle(view);
        check_harmless(&view->lines, i == COLOURED, i == PLAIN);
    }
    frame_free(&frame);
}

static void type_line(const char *line, size_t length)
{
    char name[USERNAME_SIZE];
    typed_t typed = typed_parse(line, length, MAX_BYTES);
    if (typed.kind == TYPED_MESSAGE) {
        FUZZ_CHECK(typed.text >= line && typed.text + typed.length <= line + length);
        FUZZ_CHECK(typed.length > 0 && typed.length <= MAX_BYTES &&
                   text_is_message(typed.text, typed.length));
        FUZZ_CHECK(username_normalise_destination(typed.destination, strlen(typed.destination), name) ==
                   ERR_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int columns = 10 + (int)(fuzz_byte(&data, &size) % 120);
    view_t *views[VIEWS] = {view_new_terminal(columns, false), view_new_terminal(columns, true),
                            view_new_plain(), view_new_json()};
    char *text = alloc_string_n((const char *)data, size), *line = text;
    for (char *end; line != NULL; line = end) {
        size_t length = (size_t)(text + size - line);
        end = memchr(line, '\n', length);
        if (end != NULL)
            length = (size_t)(end++ - line);
        show_line(views, line, length);
        type_line(line, length);
    }
    for (int i = 0; i < VIEWS; i++) {
        check_harmless(&views[i]->notices, false, false);
        view_free(views[i]);
    }
    free(text);
    return 0;
}
