#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *text;
    size_t length; /* 0: strlen */
} sample_t;

static bool parses(const char *text, size_t length)
{
    /* Exactly as long as the text, so that a sanitizer sees a read behind it. */
    char *copy = alloc_bytes(length > 0 ? length : 1);
    memcpy(copy, text, length);
    cJSON *json = json_parse(copy, length);
    bool parsed = json != NULL;
    cJSON_Delete(json);
    free(copy);
    return parsed;
}

static const sample_t good[] = {
    {"{}", 0},
    {" \t\r\n[ ] \n", 0},
    {"{\"a\":{\"b\":[1,-0.5e+3,0,-0,1E5,true,false,null,\"x\"]},\"c\":[[],{}]}", 0},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"", 0},
    {"\"caf\xC3\xA9 \xF0\x9F\x98\x80\"", 0},
    {"12", 0},
    {"null", 0},
};

static const sample_t bad[] = {
    {"", 0},
    {" ", 0},
    {"{", 0},
    {"}", 0},
    {"[", 0},
    {"[1", 0},
    {"[1,", 0},
    {"[1,]", 0},
    {"[,1]", 0},
    {"[1 2]", 0},
    {"[1}", 0},
    {"{\"a\"}", 0},
    {"{\"a\":}", 0},
    {"{\"a\":1,}", 0},
    {"{\"a\" 1}", 0},
    {"{a:1}", 0},
    {"{'a':1}", 0},
    {"{\"a\":1]", 0},
    {"{}{}", 0},
    {"{} x", 0},
    {"[] \0", 4},
    {"\0[]", 3},
    {"\"a\0b\"", 5},
    {"\x01[]", 0},
    {"[\x0B]", 0},
    {"\xEF\xBB\xBF[]", 0},
    {"\"a\nb\"", 0},
    {"\"a\x1F\"", 0},
    {"\"a", 0},
    {"\"a\\", 0},
    {"\"a\\\"", 0},
    {"\"\\x41\"", 0},
    {"\"\\\0\"", 4},
    {"\"\\u12\"", 0},
    {"\"\\u12G4\"", 0},
    {"\"\\u 123\"", 0},
    {"\"\\u0000\"", 0},
    {"{\"a\\u0000b\":1}", 0},
    {"\"\\uD83D\"", 0},
    {"\"\\uD83Dx\"", 0},
    {"\"\\uD83D\\n\"", 0},
    {"\"\\uD83D\\u0041\"", 0},
    {"\"\\uD83D\\uD83D\"", 0},
    {"\"\\uDE00\"", 0},
    {"\"\xC0\x80\"", 0},
    {"\"\xED\xA0\x80\"", 0},
    {"\"\xFF\"", 0},
    {"\"\xC3\"", 0},
    {"01", 0},
    {"-", 0},
    {"+1", 0},
    {"1.", 0},
    {".5", 0},
    {"1e", 0},
    {"1e+", 0},
    {"0x10", 0},
    {"1_000", 0},
    {"NaN", 0},
    {"Infinity", 0},
    {"1e999", 0},
    {"[1e999]", 0},
    {"truex", 0},
    {"tru", 0},
    {"True", 0},
    {"[nullnull]", 0},
    {"{\"a\":1,\"a\":2}", 0},
    {"{\"a\":1,\"\\u0061\":2}", 0},
    {"[{\"x\":{\"a\":1,\"b\":2,\"a\":1}}]", 0},
    {"// c\n{}", 0},
    {"{\"a\":/**/1}", 0},
};

static void test_accepts_what_is_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!parses(good[i].text, strlen(good[i].text)))
            fail_msg("refused: %s", good[i].text);
    }
}

static void test_refuses_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t length = bad[i].length > 0 ? bad[i].length : strlen(bad[i].text);
        if (parses(bad[i].text, length))
            fail_msg("accepted number %zu: %s", i, bad[i].text);
    }
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\\u00e9\":[1.5e-3,{\"b\":\"\\uD83D\\uDE00\"},true,null],\"c\":\"\xC3\xA9\"}";
    size_t length = sizeof text - 1;
    assert_true(parses(text, length));
    for (size_t cut = 0; cut < length; cut++)
        assert_false(parses(text, cut));
}

static bool nested_parses(int depth, const char *open, const char *close)
{
    buffer_t text;
    buffer_init(&text, 0);
    for (int i = 0; i < depth; i++)
        buffer_append_text(&text, open);
    for (int i = 0; i < depth; i++)
        buffer_append_text(&text, close);
    bool parsed = parses(buffer_text(&text), text.length);
    buffer_free(&text);
    return parsed;
}

static void test_depth(void **state)
{
    (void)state;
    assert_true(nested_parses(JSON_MAX_DEPTH, "[", "]"));
    assert_false(nested_parses(JSON_MAX_DEPTH + 1, "[", "]"));
    assert_true(nested_parses(JSON_MAX_DEPTH / 2, "{\"a\":[", "]}"));
    assert_false(nested_parses(JSON_MAX_DEPTH / 2 + 1, "{\"a\":[", "]}"));
    assert_false(nested_parses(200000, "[", "]"));
    assert_false(nested_parses(200000, "[", ""));
    assert_false(nested_parses(200000, "{\"a\":", ""));
}

static char *object_of(int count, int twice)
{
    buffer_t text;
    buffer_init(&text, 0);
    buffer_append_char(&text, '{');
    for (int i = 0; i < count; i++)
        buffer_appendf(&text, "%s\"name%d\":%d", i > 0 ? "," : "", i == count - 1 && twice >= 0 ? twice : i,
                       i);
    buffer_append_char(&text, '}');
    return buffer_take(&text, NULL);
}

static void test_duplicates_in_large_objects(void **state)
{
    (void)state;
    for (int count = 2; count <= 40; count++) {
        char *text = object_of(count, -1);
        assert_true(parses(text, strlen(text)));
        free(text);
        text = object_of(count, count / 2 - (count == 2));
        assert_false(parses(text, strlen(text)));
        free(text);
    }
    char *many = object_of(20000, 7); /* must not take the square of it */
    assert_false(parses(many, strlen(many)));
    free(many);
}

static void test_long_numbers(void **state)
{
    (void)state;
    char digits[100];
    memset(digits, '1', sizeof digits);
    assert_true(parses(digits, 60));
    /* Read whole or refused, whichever cJSON can; but never a part of it. */
    cJSON *json = json_parse(digits, sizeof digits);
    assert_true(json == NULL || cJSON_GetNumberValue(json) > 1e98);
    cJSON_Delete(json);
}

static void test_getters(void **state)
{
    (void)state;
    static const char text[] =
        "{\"s\":\"x\",\"i\":-7,\"f\":1.5,\"e\":1e3,\"max\":9007199254740991,"
        "\"min\":-9007199254740991,\"2^53\":9007199254740992,\"2^53+1\":9007199254740993,"
        "\"big\":1e300,\"neg\":-1e19,\"t\":true,\"b\":false,\"n\":null,\"d\":\"7\"}";
    cJSON *json = json_parse(text, sizeof text - 1);
    assert_non_null(json);
    assert_string_equal(json_string(json, "s"), "x");
    assert_null(json_string(json, "S"));
    assert_null(json_string(json, "i"));
    assert_null(json_string(json, "n"));
    assert_null(json_string(json, "missing"));
    int64_t value = 0;
    assert_true(json_integer(json, "i", &value) && value == -7);
    assert_true(json_integer(json, "e", &value) && value == 1000);
    assert_true(json_integer(json, "max", &value) && value == 9007199254740991);
    assert_true(json_integer(json, "min", &value) && value == -9007199254740991);
    static const char *const none[] = {"2^53", "2^53+1", "big", "neg", "f", "t", "n", "d", "missing"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        value = 42;
        assert_false(json_integer(json, none[i], &value));
        assert_int_equal(value, 42);
    }
    assert_true(json_bool(json, "t", false));
    assert_false(json_bool(json, "b", true));
    assert_true(json_bool(json, "n", true));
    assert_false(json_bool(json, "i", false));
    assert_true(json_bool(json, "missing", true));
    cJSON_Delete(json);
}

static void test_strings_round_trip(void **state)
{
    (void)state;
    char text[200];
    size_t length = 0;
    for (int c = 1; c < 128; c++)
        text[length++] = (char)c;
    memcpy(text + length, "\xC3\xA9\xF0\x9F\x98\x80", 6);
    length += 6;
    text[length] = '\0';
    buffer_t out;
    for (size_t from = 0; from <= length; from++) {
        /* Also suffixes with no character to escape and the empty one. */
        if (((unsigned char)text[from] & 0xC0) == 0x80)
            continue;
        buffer_init(&out, 0);
        assert_int_equal(json_append_string(&out, text + from, length - from), ERR_OK);
        assert_int_equal(strlen(buffer_text(&out)), out.length);
        for (size_t i = 0; i < out.length; i++)
            assert_true((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7F);
        cJSON *json = json_parse(out.data, out.length);
        assert_non_null(json);
        assert_string_equal(cJSON_GetStringValue(json), text + from);
        cJSON_Delete(json);
        buffer_free(&out);
    }
    buffer_init(&out, 0);
    assert_int_equal(json_append_string(&out, "a\"\\\n\t\x1b\x7f/", 8), ERR_OK);
    assert_string_equal(buffer_text(&out), "\"a\\\"\\\\\\n\\t\\u001b\\u007f/\"");
    buffer_free(&out);
}

static void test_writer(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    buffer_append_char(&out, '{');
    json_append_member(&out, "a", "x{");
    json_append_member(&out, "skipped", NULL);
    json_append_integer(&out, "n", INT64_MIN);
    json_append_name(&out, "list");
    buffer_append_char(&out, '[');
    json_append_string(&out, "", 0);
    buffer_append_char(&out, ']');
    json_append_name(&out, "item");
    static const char text[] = "{ \"k\" : [ 1, \"\\u00e9\" ] }";
    cJSON *item = json_parse(text, sizeof text - 1);
    assert_non_null(item);
    assert_int_equal(json_append_item(&out, item), ERR_OK);
    cJSON_Delete(item);
    buffer_append_char(&out, '}');
    assert_string_equal(buffer_text(&out), "{\"a\":\"x{\",\"n\":-9223372036854775808,\"list\":[\"\"],"
                                           "\"item\":{\"k\":[1,\"\xC3\xA9\"]}}");
    buffer_free(&out);
}

static void test_writer_at_its_limit(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 40; limit++) {
        buffer_t out;
        buffer_init(&out, limit);
        assert_int_equal(buffer_append_char(&out, '{'), ERR_OK);
        err_t err = json_append_member(&out, "name", "a\"value\x01");
        if (err == ERR_OK) {
            assert_string_equal(buffer_text(&out), "{\"name\":\"a\\\"value\\u0001\"");
            assert_true(limit >= out.length);
        } else {
            assert_int_equal(err, ERR_TOO_LONG);
            assert_string_equal(buffer_text(&out), "{");
            assert_true(limit < 24);
        }
        size_t before = out.length;
        if (json_append_integer(&out, "n", 123456) != ERR_OK)
            assert_int_equal(out.length, before);
        buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_is_json),
        cmocka_unit_test(test_refuses_what_is_not),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_duplicates_in_large_objects),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_strings_round_trip),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_at_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
