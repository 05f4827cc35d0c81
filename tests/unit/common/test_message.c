#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/message.h"
#include <stdlib.h>
#include <string.h>

#define STAMP "2026-11-22T17:01:39.123456+00:00"

static const char whole[] =
    "{\"id\":\"m-1\",\"sender\":\"alice\",\"destination\":\"bob\",\"timestamp\":\"" STAMP
    "\",\"type\":\"notification\",\"metadata\":{\"a\":[1,\"x\"]},\"message\":\"h\\\"i\\n\"}";

/* A member of `whole` replaced by json, or dropped when json is NULL. */
static cJSON *with(const char *name, const char *json)
{
    cJSON *object = json_parse(whole, sizeof whole - 1);
    assert_non_null(object);
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    if (json != NULL) {
        cJSON *item = json_parse(json, strlen(json));
        assert_non_null(item);
        cJSON_AddItemToObject(object, name, item);
    }
    return object;
}

static err_t read_with(const char *name, const char *json, message_source_t source, const char **field)
{
    cJSON *object = with(name, json);
    message_t message;
    memset(&message, 0x5A, sizeof message);
    message_t before = message;
    err_t err = message_from_json(object, source, 100, &message, field);
    if (err == ERR_OK)
        message_free(&message);
    else
        assert_memory_equal(&message, &before, sizeof message);
    cJSON_Delete(object);
    return err;
}

static void test_types(void **state)
{
    (void)state;
    static const char *const names[] = {"chat", "command", "notification", "subscription"};
    for (int i = 0; i < 4; i++) {
        message_type_t type;
        assert_true(message_type_parse(names[i], &type));
        assert_int_equal(type, i);
        assert_string_equal(message_type_name(type), names[i]);
    }
    message_type_t type = MESSAGE_COMMAND;
    assert_false(message_type_parse("Chat", &type));
    assert_false(message_type_parse("", &type));
    assert_int_equal(type, MESSAGE_COMMAND);
}

static void test_round_trip(void **state)
{
    (void)state;
    cJSON *object = json_parse(whole, sizeof whole - 1);
    message_t message;
    assert_int_equal(message_from_json(object, MESSAGE_FROM_PEER, 100, &message, NULL), ERR_OK);
    cJSON_Delete(object);
    assert_string_equal(message.id, "m-1");
    assert_string_equal(message.sender, "alice");
    assert_string_equal(message.destination, "bob");
    assert_string_equal(message.timestamp, STAMP);
    assert_int_equal(message.type, MESSAGE_NOTIFICATION);
    assert_string_equal(message.text, "h\"i\n");
    assert_int_equal(message.text_length, 4);
    assert_string_equal(message.metadata, "{\"a\":[1,\"x\"]}");
    assert_int_equal(message.metadata_length, strlen(message.metadata));
    buffer_t out;
    buffer_init(&out, 0);
    assert_int_equal(message_append_json(&out, &message), ERR_OK);
    assert_string_equal(buffer_text(&out), whole);
    buffer_clear(&out);
    assert_int_equal(message_append_members(&out, &message), ERR_OK);
    assert_int_equal(out.length, sizeof whole - 1 - 2);
    assert_memory_equal(out.data, whole + 1, out.length);
    buffer_free(&out);
    message_free(&message);
}

static void test_at_a_limit_nothing_is_appended(void **state)
{
    (void)state;
    message_t message;
    message_make(&message, "alice", "bob", "hello\n", 6, MESSAGE_CHAT);
    bool fitted = false;
    for (size_t limit = 1; limit < 2500; limit += 7) {
        buffer_t out;
        buffer_init(&out, limit);
        buffer_append_char(&out, '#');
        err_t err = message_append_json(&out, &message);
        fitted = err == ERR_OK;
        if (!fitted) {
            assert_int_equal(err, ERR_TOO_LONG);
            assert_string_equal(buffer_text(&out), "#");
        }
        buffer_free(&out);
    }
    assert_true(fitted);
    message_free(&message);
}

static void test_make(void **state)
{
    (void)state;
    message_t message;
    message_make(&message, "alice", "bob", "hello world", 5, MESSAGE_SUBSCRIPTION);
    assert_string_equal(message.text, "hello");
    assert_int_equal(message.text_length, 5);
    assert_string_equal(message.metadata, "{}");
    assert_int_equal(message.metadata_length, 2);
    assert_string_equal(message.id, "");
    assert_string_equal(message.timestamp, "");
    message_set_metadata(&message, "{\"a\":1}");
    assert_string_equal(message.metadata, "{\"a\":1}");
    assert_int_equal(message.metadata_length, 7);
    message_set_metadata(&message, message.metadata);
    assert_string_equal(message.metadata, "{\"a\":1}");
    message_set_metadata(&message, NULL);
    assert_string_equal(message.metadata, "{}");
    message_free(&message);
    message_free(&message); /* harmless */
}

/* For each source, the error when the member has this value (NULL: is missing). */
static const struct {
    const char *name, *json;
    err_t client, peer, api;
} cases[] = {
    {"id", NULL, ERR_OK, ERR_INVALID_ID, ERR_OK},
    {"id", "null", ERR_OK, ERR_INVALID_ID, ERR_INVALID_ID},
    {"id", "\"\"", ERR_INVALID_ID, ERR_INVALID_ID, ERR_INVALID_ID},
    {"id", "7", ERR_INVALID_ID, ERR_INVALID_ID, ERR_INVALID_ID},
    {"id", "[\"a\"]", ERR_INVALID_ID, ERR_INVALID_ID, ERR_INVALID_ID},
    {"id", "\"a b\"", ERR_INVALID_ID, ERR_INVALID_ID, ERR_INVALID_ID},
    {"id", "\"0123456789012345678901234567890123456789012345678901234567890123\"", ERR_OK, ERR_OK, ERR_OK},
    {"id", "\"01234567890123456789012345678901234567890123456789012345678901234\"", ERR_INVALID_ID,
     ERR_INVALID_ID, ERR_INVALID_ID},
    {"sender", NULL, ERR_OK, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"sender", "null", ERR_OK, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"sender", "{}", ERR_OK, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"sender", "\"a b\"", ERR_OK, ERR_USERNAME_INVALID, ERR_USERNAME_INVALID},
    {"sender", "\"all\"", ERR_OK, ERR_USERNAME_RESERVED, ERR_USERNAME_RESERVED},
    {"destination", NULL, ERR_INVALID_FRAME, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"destination", "null", ERR_INVALID_FRAME, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"destination", "[]", ERR_INVALID_FRAME, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"destination", "\"\"", ERR_USERNAME_INVALID, ERR_USERNAME_INVALID, ERR_USERNAME_INVALID},
    {"destination", "\"server\"", ERR_USERNAME_RESERVED, ERR_USERNAME_RESERVED, ERR_USERNAME_RESERVED},
    {"destination", "\"TO_ALL\"", ERR_OK, ERR_OK, ERR_USERNAME_RESERVED},
    {"message", NULL, ERR_INVALID_FRAME, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"message", "5", ERR_INVALID_FRAME, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"message", "null", ERR_INVALID_FRAME, ERR_INVALID_FRAME, ERR_INVALID_FRAME},
    {"message", "\"\"", ERR_EMPTY, ERR_EMPTY, ERR_EMPTY},
    {"message", "\"\\u001b[2J\"", ERR_INVALID_TEXT, ERR_INVALID_TEXT, ERR_INVALID_TEXT},
    {"message", "\"\\u0085\"", ERR_INVALID_TEXT, ERR_INVALID_TEXT, ERR_INVALID_TEXT},
    {"message", "\"a\\tb\\n\"", ERR_OK, ERR_OK, ERR_OK},
    {"type", NULL, ERR_OK, ERR_INVALID_TYPE, ERR_OK},
    {"type", "null", ERR_OK, ERR_INVALID_TYPE, ERR_INVALID_TYPE},
    {"type", "\"CHAT\"", ERR_INVALID_TYPE, ERR_INVALID_TYPE, ERR_INVALID_TYPE},
    {"type", "1", ERR_INVALID_TYPE, ERR_INVALID_TYPE, ERR_INVALID_TYPE},
    {"timestamp", NULL, ERR_OK, ERR_INVALID_TIMESTAMP, ERR_OK},
    {"timestamp", "\"\"", ERR_OK, ERR_INVALID_TIMESTAMP, ERR_INVALID_TIMESTAMP},
    {"timestamp", "null", ERR_OK, ERR_INVALID_TIMESTAMP, ERR_INVALID_TIMESTAMP},
    {"timestamp", "12", ERR_OK, ERR_INVALID_TIMESTAMP, ERR_INVALID_TIMESTAMP},
    {"timestamp", "\"2026-11-22T17:01:39Z\"", ERR_OK, ERR_OK, ERR_OK},
    {"metadata", NULL, ERR_OK, ERR_INVALID_METADATA, ERR_OK},
    {"metadata", "null", ERR_OK, ERR_INVALID_METADATA, ERR_INVALID_METADATA},
    {"metadata", "{}", ERR_OK, ERR_OK, ERR_OK},
    {"metadata", "[]", ERR_INVALID_METADATA, ERR_INVALID_METADATA, ERR_INVALID_METADATA},
    {"metadata", "\"{}\"", ERR_INVALID_METADATA, ERR_INVALID_METADATA, ERR_INVALID_METADATA},
};

static void test_each_member_from_each_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const err_t wanted[] = {cases[i].client, cases[i].peer, cases[i].api};
        for (int source = 0; source < 3; source++) {
            const char *field = "none";
            err_t err = read_with(cases[i].name, cases[i].json, (message_source_t)source, &field);
            if (err != wanted[source])
                fail_msg("%s = %s from source %d: %s", cases[i].name, cases[i].json, source, err_code(err));
            assert_string_equal(field, err == ERR_OK ? "none" : cases[i].name);
        }
    }
}

static void test_what_a_client_leaves_out(void **state)
{
    (void)state;
    static const char text[] =
        "{\"destination\":\"all\",\"message\":\"hi\",\"sender\":\"mallory\",\"timestamp\":\"x\"}";
    cJSON *object = json_parse(text, sizeof text - 1);
    message_t message;
    assert_int_equal(message_from_json(object, MESSAGE_FROM_CLIENT, 100, &message, NULL), ERR_OK);
    assert_string_equal(message.destination, "all");
    assert_string_equal(message.id, "");
    assert_string_equal(message.sender, ""); /* nobody speaks for others */
    assert_string_equal(message.timestamp, "");
    assert_int_equal(message.type, MESSAGE_CHAT);
    assert_string_equal(message.metadata, "{}");
    message_free(&message);
    cJSON_Delete(object);
}

static char *repeated(const char *before, char c, size_t count, const char *after)
{
    buffer_t text;
    buffer_init(&text, 0);
    buffer_append_text(&text, before);
    for (size_t i = 0; i < count; i++)
        buffer_append_char(&text, c);
    buffer_append_text(&text, after);
    return buffer_take(&text, NULL);
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before, *after;
        size_t fits; /* bytes between before and after */
        err_t err;
    } limits[] = {
        {"message", "\"", "\"", 100, ERR_TOO_LONG},
        {"metadata", "{\"a\":\"", "\"}", MESSAGE_MAX_METADATA - 8, ERR_INVALID_METADATA},
    };
    for (size_t i = 0; i < 2; i++) {
        for (size_t more = 0; more < 2; more++) {
            char *json = repeated(limits[i].before, 'x', limits[i].fits + more, limits[i].after);
            const char *field = NULL;
            err_t err = read_with(limits[i].name, json, MESSAGE_FROM_CLIENT, &field);
            assert_int_equal(err, more == 0 ? ERR_OK : limits[i].err);
            free(json);
        }
    }
    /* Space between does not count: what is kept is the compact print. */
    char *json = repeated("{", ' ', MESSAGE_MAX_METADATA, "}");
    assert_int_equal(read_with("metadata", json, MESSAGE_FROM_CLIENT, NULL), ERR_OK);
    free(json);
}

static void test_largest_line(void **state)
{
    (void)state;
    message_t message;
    char name[USERNAME_SIZE], id[ID_SIZE];
    memset(name, 'n', sizeof name - 1);
    memset(id, 'i', sizeof id - 1);
    name[sizeof name - 1] = id[sizeof id - 1] = '\0';
    char *text = repeated("", '\x01', 1000, "");
    message_make(&message, name, name, text, 1000, MESSAGE_SUBSCRIPTION);
    strcpy(message.id, id);
    strcpy(message.timestamp, STAMP);
    char *metadata = repeated("{\"a\":\"", 'x', MESSAGE_MAX_METADATA - 8, "\"}");
    message_set_metadata(&message, metadata);
    buffer_t out;
    buffer_init(&out, 0);
    assert_int_equal(message_append_json(&out, &message), ERR_OK);
    assert_true(out.length > 6000 + MESSAGE_MAX_METADATA);
    assert_true(out.length + 100 <= message_max_line(1000));
    buffer_free(&out);
    free(text);
    free(metadata);
    message_free(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_at_a_limit_nothing_is_appended),
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_each_member_from_each_source),
        cmocka_unit_test(test_what_a_client_leaves_out),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_largest_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
