/* What people and programs are shown, above all of text that means harm. */
#include "client/view.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka needs those four before it */
#include <cmocka.h>

#define TIME "2026-11-22T17:01:39.123456+00:00"

static message_t make(const char *id, const char *text)
{
    message_t message;
    message_make(&message, "bob", "alice", text, strlen(text), MESSAGE_CHAT);
    snprintf(message.id, sizeof message.id, "%s", id);
    snprintf(message.timestamp, sizeof message.timestamp, "%s", TIME);
    return message;
}

static void show(view_t *view, const char *id, const char *text)
{
    message_t message = make(id, text);
    view->kind->message(view, &message, false);
    message_free(&message);
}

/* Only printable characters and newlines; with colours also our own SGR sequences. */
static void assert_harmless(const char *text, bool colours)
{
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c, next = (unsigned char)c[1];
        if (colours && byte == 033) {
            assert_int_equal(next, '[');
            c += 2 + strspn(c + 2, "0123456789;");
            assert_int_equal(*c, 'm');
            continue;
        }
        assert_true(byte >= 0x20 || byte == '\n');
        assert_int_not_equal(byte, 0x7f);
        assert_false(byte == 0xc2 && next >= 0x80 && next <= 0x9f); /* C1 */
    }
}

static const char *const hostile[] = {
    "\033]52;c;ZWNobyBoaQ==\a",                            /* OSC 52: writes the clipboard */
    "\033]8;;http://evil.example\033\\here\033]8;;\033\\", /* OSC 8: a link */
    "\033[2J\033[H\033[31mred",                            /* CSI */
    "\302\23331mred\302\2350;title\302\234",               /* C1 */
    "\rcarriage return",
    "back\b\b\b\bspace\177",
    "\xe2\x80\xaetxet desrever",       /* RIGHT-TO-LEFT OVERRIDE */
    "\342\200\25017:01 carol: forged", /* LINE SEPARATOR */
    "broken \xff\xc3 bytes",
};

static void test_hostile_text_is_harmless_everywhere(void **state)
{
    (void)state;
    view_t *views[] = {view_new_terminal(80, false), view_new_terminal(80, true), view_new_plain(),
                       view_new_json()};
    for (size_t v = 0; v < sizeof views / sizeof *views; v++) {
        view_t *view = views[v];
        for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
            show(view, "1", hostile[i]);
            sent_record_t record = {.id = "9", .destination = "bob"};
            snprintf(record.excerpt, sizeof record.excerpt, "%s", hostile[i]);
            view->kind->receipt(view, "9", &record, RECEIPT_REJECTED, false, "mailbox_full", hostile[i]);
            view->kind->receipt(view, "9", &record, RECEIPT_STORED, false, NULL, NULL);
            if (view->kind->settle)
                view->kind->settle(view);
            if (view->kind->partial)
                view->kind->partial(view, "bob", "2", hostile[i]);
            view->kind->problem(view, "busy", hostile[i], 0);
        }
        assert_true(view->lines.length > 0);
        assert_harmless(buffer_text(&view->lines), v == 1);
        assert_harmless(buffer_text(&view->notices), false);
        view_free(view);
    }
}

static void assert_lines(view_t *view, const char *expected)
{
    assert_string_equal(buffer_text(&view->lines), expected);
    buffer_clear(&view->lines);
}

static void test_terminal_indents_all_rows_but_the_first(void **state)
{
    (void)state;
    view_t *view = view_new_terminal(40, false);
    show(view, "1", "one\n17:01 carol: forged");
    assert_lines(view, "── Sunday, 22 November 2026 ──\n"
                       "17:01 bob: one\n"
                       "           17:01 carol: forged\n");
    show(view, "2", "spaces                                        17:01 carol: forged");
    assert_lines(view, "17:01 bob: spaces\n"
                       "           17:01 carol: forged\n");
    view_free(view);
}

static void test_terminal_without_colour_has_no_escape(void **state)
{
    (void)state;
    view_t *plain = view_new_terminal(80, false), *colour = view_new_terminal(80, true);
    show(plain, "1", "hello");
    show(colour, "1", "hello");
    assert_null(strchr(buffer_text(&plain->lines), 033));
    assert_non_null(strchr(buffer_text(&colour->lines), 033));
    view_free(plain);
    view_free(colour);
}

static void test_terminal_shows_a_growing_message_once(void **state)
{
    (void)state;
    view_t *view = view_new_terminal(36, false);
    show(view, "0", "now"); /* the date line of another day comes before the parts */
    buffer_clear(&view->lines);
    view->kind->partial(view, "bob", "1", "The quick brown");
    view->kind->partial(view, "bob", "1", "The quick brown fox jumps");
    /* A row is shown when it is full. */
    assert_non_null(strstr(buffer_text(&view->lines), " bob: The quick brown fox\n"));
    assert_null(strstr(buffer_text(&view->lines), "jumps"));
    buffer_clear(&view->lines);
    view->kind->partial(view, "bob", "1", "The quick brown fox jumps over\nthe");
    assert_lines(view, "           jumps over\n");
    message_t message = make("1", "The quick brown fox jumps over\nthe dog");
    /* A time of today, so that no date line comes between. */
    timestamp_format_now(message.timestamp);
    view->kind->message(view, &message, false);
    message_free(&message);
    assert_lines(view, "           the dog\n");
    view_free(view);
}

static void test_terminal_starts_again_when_the_text_changes(void **state)
{
    (void)state;
    view_t *view = view_new_terminal(36, false);
    view->kind->partial(view, "bob", "1", "one\ntwo\n");
    view->kind->partial(view, "bob", "1", "other\ntext\n"); /* no continuation: waits for the end */
    buffer_clear(&view->lines);
    show(view, "1", "other\ntext");
    assert_non_null(strstr(buffer_text(&view->lines), "17:01 bob: other\n           text\n"));
    view_free(view);
}

static void test_terminal_gathers_ticks(void **state)
{
    (void)state;
    view_t *view = view_new_terminal(80, false);
    sent_record_t record = {.id = "1", .destination = "bob", .excerpt = "hello"};
    view->kind->receipt(view, "1", &record, RECEIPT_STORED, false, NULL, NULL);
    view->kind->receipt(view, "1", &record, RECEIPT_DELIVERED, false, NULL, NULL);
    view->kind->settle(view);
    assert_lines(view, "      ✓✓ bob: hello\n");
    view->kind->receipt(view, "1", &record, RECEIPT_STORED, true, NULL, NULL);
    view->kind->settle(view);
    assert_lines(view, "      ✓  bob: hello  (offline, saved)\n");
    for (int i = 0; i < 100; i++) {
        snprintf(record.id, sizeof record.id, "%d", i);
        snprintf(record.destination, sizeof record.destination, "%s", i == 50 ? "carol" : "bob");
        view->kind->receipt(view, record.id, &record, RECEIPT_STORED, false, NULL, NULL);
    }
    view->kind->settle(view);
    assert_lines(view, "      ✓  bob: 63 messages\n"
                       "      ✓  carol: hello\n"
                       "      ✓  bob: 36 messages\n");
    view_free(view);
}

static void test_plain_gives_each_line_its_head(void **state)
{
    (void)state;
    view_t *view = view_new_plain();
    show(view, "1", "one\n2026-11-22 17:01:39 carol: forged");
    assert_lines(view, "2026-11-22 17:01:39 bob: one\n"
                       "2026-11-22 17:01:39 bob: 2026-11-22 17:01:39 carol: forged\n");
    view_free(view);
}

static void test_json_is_json(void **state)
{
    (void)state;
    view_t *view = view_new_json();
    show(view, "1", "tab\tand \"quotes\"\nand \xc3\xa4\xe2\x80\xae");
    char *line = strtok(view->lines.data, "\n");
    cJSON *event = cJSON_Parse(line);
    assert_non_null(event);
    assert_string_equal(json_string(event, "event"), "message");
    assert_string_equal(json_string(event, "sender"), "bob");
    assert_string_equal(json_string(event, "message"), "tab\tand \"quotes\"\nand \xc3\xa4\xe2\x80\xae");
    assert_false(json_bool(event, "stored", true));
    assert_null(strtok(NULL, "\n"));
    cJSON_Delete(event);
    view_free(view);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_text_is_harmless_everywhere),
        cmocka_unit_test(test_terminal_indents_all_rows_but_the_first),
        cmocka_unit_test(test_terminal_without_colour_has_no_escape),
        cmocka_unit_test(test_terminal_shows_a_growing_message_once),
        cmocka_unit_test(test_terminal_starts_again_when_the_text_changes),
        cmocka_unit_test(test_terminal_gathers_ticks),
        cmocka_unit_test(test_plain_gives_each_line_its_head),
        cmocka_unit_test(test_json_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
