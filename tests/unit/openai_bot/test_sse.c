#include "openai_bot/sse.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    buffer_t seen; /* each event's data with | behind it */
    int stop_at;   /* refuse the event of that number */
    int count;
} sink_t;

static bool on_event(void *context, const char *data, size_t length)
{
    sink_t *sink = context;

    assert_int_equal(strlen(data), length);
    buffer_append(&sink->seen, data, length);
    buffer_append_char(&sink->seen, '|');
    return ++sink->count != sink->stop_at;
}

/* The stream in pieces of that size must give those events. */
static void expect_events(const char *stream, size_t piece, const char *events)
{
    sink_t sink = {.stop_at = -1};
    sse_t sse;
    size_t length = strlen(stream);

    sse_init(&sse, 1000);
    buffer_init(&sink.seen, 0);
    for (size_t at = 0; at < length; at += piece) {
        size_t part = length - at < piece ? length - at : piece;
        assert_int_equal(sse_feed(&sse, stream + at, part, on_event, &sink), ERR_OK);
    }
    assert_string_equal(buffer_text(&sink.seen), events);
    buffer_free(&sink.seen);
    sse_free(&sse);
}

static void every_split_gives_the_same(void **state)
{
    static const struct {
        const char *stream, *events;
    } cases[] = {
        {"data: a\n\ndata: b\n\n", "a|b|"},
        {"data: a\r\n\r\ndata: b\r\n\r\n", "a|b|"},
        {"data: a\r\rdata: b\r\r", "a|b|"},
        {"data:a\ndata:  b\n\n", "a\n b|"}, /* one space is no part of the value */
        {"data\ndata\n\n", "\n|"},          /* no colon: an empty value */
        {"data\n\n", "|"},
        {": comment\nevent: x\nid: 7\nretry: 5\ndata: a\n\n", "a|"},
        {": only a comment\n\n\n\ndata: a\n\n", "a|"},
        {"\xEF\xBB\xBF"
         "data: a\n\n",
         "a|"},
        {"data: \xEF\xBB\xBF"
         "a\n\n",
         "\xEF\xBB\xBF"
         "a|"},
        {"data: {\"a\":\"é→😀: data: x\"}\n\ndata: [DONE]\n\n", "{\"a\":\"é→😀: data: x\"}|[DONE]|"},
        {"dat: a\ndataa: b\n data: c\n\n", ""},
        {"data: whole\n\ndata: cut by the end\n", "whole|"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].stream); piece++)
            expect_events(cases[i].stream, piece, cases[i].events);
}

static err_t feed(sse_t *sse, const char *text, sink_t *sink)
{
    return sse_feed(sse, text, strlen(text), on_event, sink);
}

static void lines_and_events_are_bounded(void **state)
{
    sink_t sink = {.stop_at = -1};
    sse_t sse;

    (void)state;
    sse_init(&sse, 10);
    buffer_init(&sink.seen, 0);
    assert_int_equal(feed(&sse, "data: 1234\n\n", &sink), ERR_OK);
    assert_int_equal(feed(&sse, "data: 12345", &sink), ERR_TOO_LONG);
    sse_free(&sse);

    sse_init(&sse, 10);
    assert_int_equal(feed(&sse, "data: 1234\ndata: 1234\n", &sink), ERR_OK);
    assert_int_equal(feed(&sse, "data: 1234\n", &sink), ERR_TOO_LONG);
    sse_free(&sse);
    buffer_free(&sink.seen);
}

static void reader_can_stop(void **state)
{
    sink_t sink = {.stop_at = 1};
    sse_t sse;

    (void)state;
    sse_init(&sse, 100);
    buffer_init(&sink.seen, 0);
    assert_int_equal(feed(&sse, "data: a\n\ndata: b\n\n", &sink), ERR_CLOSED);
    assert_string_equal(buffer_text(&sink.seen), "a|");
    buffer_free(&sink.seen);
    sse_free(&sse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same),
        cmocka_unit_test(lines_and_events_are_bounded),
        cmocka_unit_test(reader_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
