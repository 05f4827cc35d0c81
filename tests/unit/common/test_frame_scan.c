#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/frame_scan.h"
#include "tests/fuzz/frame_verdict.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 100 };

#define ALL_MEMBERS                                                                                          \
    "{\"id\":\"a\",\"sender\":\"x\",\"destination\":\"bob\",\"timestamp\":\"\",\"type\":\"chat\","           \
    "\"metadata\":{},"                                                                                       \
    "\"message\":\"all members\"}"

static const char *const plain[] = {
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\"}",
    "{\"destination\":\"bob\",\"message\":\"no type is a chat message\"}",
    "{\"type\":\"chat\",\"id\":\"m-1_Z\",\"destination\":\"bob\",\"message\":\"h\"}",
    "{\"message\":\"caf\xC3\xA9, \xF0\x9F\x99\x82\",\"destination\":\"zo\xC3\xAB\",\"type\":\"chat\"}",
    "{ \"type\": \"chat\", \"destination\": \"bob\", \"message\": \"as Python writes it\"}",
    ALL_MEMBERS,
    "{\"type\":\"got\",\"sender\":\"alice\",\"id\":\"0190-aB_9\"}",
    "{\"id\":\"m-1\",\"type\":\"got\",\"sender\":\"zo\xC3\xAB\"}",
    "{\"type\":\"chat\",\"destination\":\"\",\"message\":\"the name is looked at later\"}",
    "{\"type\":\"chat\",\"destination\":\"all\",\"message\":\"everyone\"}",
};

static const char *const other[] = {
    "",
    "{",
    "{}",
    "[]",
    "{\"type\":\"ping\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\"}",
    "{\"type\":\"chat\",\"message\":\"to nobody\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"\"}",
    "{\"type\":\"command\",\"destination\":\"bob\",\"message\":\"another type\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"an escape\\n\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"a tab\t\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"DEL \x7F\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"C1 \xC2\x85\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"broken \xC3\"}",
    "{\"type\":\"chat\",\"destination\":\"b\\u006fb\",\"message\":\"hello\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\",\"metadata\":{\"k\":1}}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\",\"metadata\":null}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\",\"resend\":true}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\",\"id\":\"\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\",\"id\":\"not valid\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"twice\",\"message\":\"twice\"}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":17}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\"} ",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\",}",
    "{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"hello\"",
    "{\"type\":\"got\",\"sender\":\"\",\"id\":\"m-1\"}",
    "{\"type\":\"got\",\"id\":\"m-1\"}",
    "{\"type\":\"got\",\"sender\":\"alice\"}",
    "{\"type\":\"got\",\"sender\":\"alice\",\"id\":\"m 1\"}",
};

/* Is it taken? Both parsers see a copy that ends where the line ends. */
static bool take(const char *line, size_t length)
{
    char *copy = alloc_bytes(length);
    bool taken;

    memcpy(copy, line, length);
    bool agree = verdicts_agree(copy, length, MAX_BYTES, &taken);
    free(copy);
    if (!agree)
        fail_msg("not the same: %.*s", (int)length, line);
    return taken;
}

static void test_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (!take(plain[i], strlen(plain[i])))
            fail_msg("not taken: %s", plain[i]);
    }
}

static void test_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        if (take(other[i], strlen(other[i])))
            fail_msg("taken: %s", other[i]);
    }
}

/* Every cut, and every byte made another, left out or doubled: whatever is taken still is the same. */
static void check_around(const char *line)
{
    static const char bytes[] = "\"\\{}[]:, \t\n\r\x01\x7F\x80\xC2\xC3\xE2\xF0\xFF/'0aAeus_-";
    size_t length = strlen(line);
    char changed[512];

    for (size_t i = 0; i < length; i++) {
        take(line, i);
        memcpy(changed, line, length);
        for (size_t k = 0; k < sizeof bytes; k++) { /* with its NUL */
            changed[i] = bytes[k];
            take(changed, length);
        }
        memcpy(changed + i, line + i + 1, length - i - 1);
        take(changed, length - 1);
        memcpy(changed + i, line + i, 1);
        memcpy(changed + i + 1, line + i, length - i);
        take(changed, length + 1);
    }
}

static void test_all_around(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        check_around(plain[i]);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        check_around(other[i]);
}

static void test_what_it_finds(void **state)
{
    (void)state;
    frame_view_t view;
    const char *line = "{\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"hello\"}";
    assert_true(frame_scan(line, strlen(line), 5, &view));
    assert_int_equal(view.type, FRAME_MESSAGE);
    assert_true(span_is(view.id, "m-1") && span_is(view.destination, "bob") && span_is(view.text, "hello"));
    frame_view_t before = view;
    assert_false(frame_scan(line, strlen(line), 4, &view)); /* too long */
    assert_memory_equal(&view, &before, sizeof view);
    line = "{\"type\":\"got\",\"sender\":\"bob\",\"id\":\"m-1\"}";
    assert_true(frame_scan(line, strlen(line), 5, &view));
    assert_int_equal(view.type, FRAME_GOT);
    assert_true(span_is(view.id, "m-1") && span_is(view.sender, "bob"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_all_around),
        cmocka_unit_test(test_what_it_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
