/* What browsers say, and what they are told. */
#include "ws_adapter/envelope.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 100 };

static err_t parse(const char *text, envelope_t *out, char id[ID_SIZE])
{
    return envelope_parse(text, strlen(text), LIMIT, out, id);
}

static void test_what_browsers_say(void **state)
{
    envelope_t envelope;
    char id[ID_SIZE];

    (void)state;
    assert_int_equal(parse("{\"type\":\"login\",\"username\":\"alice\",\"got\":true}", &envelope, id),
                     ERR_OK);
    assert_int_equal(envelope.type, ENVELOPE_LOGIN);
    assert_string_equal(envelope.username, "alice");
    assert_true(envelope.says_got);
    envelope_free(&envelope);

    assert_int_equal(parse("{\"type\":\"login\",\"username\":\"alice\"}", &envelope, id), ERR_OK);
    assert_false(envelope.says_got);
    envelope_free(&envelope);

    assert_int_equal(
        parse("{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"hi\",\"id\":\"m1\",\"sender\":\"eve\","
              "\"metadata\":{\"a\":[1]},\"resend\":true}",
              &envelope, id),
        ERR_OK);
    assert_int_equal(envelope.type, ENVELOPE_CHAT);
    assert_int_equal(envelope.message.type, MESSAGE_CHAT);
    assert_string_equal(envelope.message.destination, "bob");
    assert_string_equal(envelope.message.text, "hi");
    assert_string_equal(envelope.message.id, "m1");
    assert_string_equal(envelope.message.metadata, "{\"a\":[1]}");
    assert_string_equal(envelope.message.sender, "");
    assert_true(envelope.resend);
    envelope_free(&envelope);

    assert_int_equal(parse("{\"type\":\"command\",\"command\":\"users\"}", &envelope, id), ERR_OK);
    assert_int_equal(envelope.command, COMMAND_USERS);
    envelope_free(&envelope);

    assert_int_equal(parse("{\"type\":\"got\",\"sender\":\"bob\",\"id\":\"m2\"}", &envelope, id), ERR_OK);
    assert_string_equal(envelope.sender, "bob");
    assert_string_equal(envelope.id, "m2");
    envelope_free(&envelope);
}

/* Without and with a space in front, which takes the long way. */
static void assert_both_ways(const char *text, bool is_plain)
{
    char spaced[256], id[ID_SIZE];
    envelope_t one, other;

    snprintf(spaced, sizeof spaced, " %s", text);
    assert_int_equal(parse(text, &one, id), ERR_OK);
    assert_int_equal(one.json == NULL, is_plain);
    assert_int_equal(parse(spaced, &other, id), ERR_OK);
    assert_non_null(other.json);
    assert_int_equal(one.type, other.type);
    assert_int_equal(one.resend, other.resend);
    if (one.type == ENVELOPE_CHAT) {
        assert_string_equal(one.message.text, other.message.text);
        assert_int_equal(one.message.text_length, other.message.text_length);
        assert_string_equal(one.message.destination, other.message.destination);
        assert_string_equal(one.message.id, other.message.id);
        assert_string_equal(one.message.metadata, other.message.metadata);
        assert_int_equal(one.message.type, MESSAGE_CHAT);
    } else {
        assert_string_equal(one.sender, other.sender);
        assert_string_equal(one.id, other.id);
    }
    envelope_free(&one);
    envelope_free(&other);
}

static void test_the_short_way(void **state)
{
    static const struct {
        const char *text;
        bool is_plain;
    } cases[] = {
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"hi\",\"id\":\"m1\"}", true},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"no id\"}", true},
        {"{\"message\":\"gr\xC3\xBC\xC3\x9F\",\"type\":\"chat\",\"recipient\":\"B\xC3\xA4r\"}", true},
        {"{\"type\":\"got\",\"sender\":\"bob\",\"id\":\"m2\"}", true},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"a\\nb\"}", false},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"x\",\"resend\":true}", false},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"x\",\"destination\":\"eve\"}", false},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"x\",\"metadata\":{\"a\":1}}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_both_ways(cases[i].text, cases[i].is_plain);
}

static void test_what_does_not_fit(void **state)
{
    static const struct {
        const char *text;
        err_t err;
        const char *id;
    } cases[] = {
        {"", ERR_NOT_JSON, ""},
        {"hello", ERR_NOT_JSON, ""},
        {"[]", ERR_NOT_JSON, ""},
        {"{\"type\":\"chat\"", ERR_NOT_JSON, ""},
        {"{}", ERR_INVALID_FRAME, ""},
        {"{\"type\":5}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"receipt\",\"id\":\"m1\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"notification\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"login\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"login\",\"username\":7}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"command\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"command\",\"command\":\"shutdown\"}", ERR_UNKNOWN_COMMAND, ""},
        {"{\"recipient\":\"bob\",\"message\":\"no type\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"chat\",\"recipient\":\"server\",\"message\":\"x\",\"id\":\"m1\"}",
         ERR_USERNAME_RESERVED, "m1"},
        {"{\"type\":\"got\",\"sender\":\"bob\"}", ERR_INVALID_ID, ""},
        {"{\"type\":\"got\",\"id\":\"m1\"}", ERR_INVALID_FRAME, ""},
        {"{\"type\":\"got\",\"sender\":\"bob\",\"id\":\"a b\"}", ERR_INVALID_ID, ""},
        {"{\"type\":\"chat\",\"message\":\"x\",\"id\":\"m1\"}", ERR_INVALID_FRAME, "m1"},
        {"{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"x\",\"id\":\"m1\"}", ERR_INVALID_FRAME,
         "m1"},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"id\":\"m1\"}", ERR_INVALID_FRAME, "m1"},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"\",\"id\":\"m1\"}", ERR_EMPTY, "m1"},
        {"{\"type\":\"chat\",\"recipient\":\"b b\",\"message\":\"x\",\"id\":\"m1\"}", ERR_USERNAME_INVALID,
         "m1"},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"\\u001b[2J\",\"id\":\"m1\"}",
         ERR_INVALID_TEXT, "m1"},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"x\",\"id\":\"a b\"}", ERR_INVALID_ID, ""},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"message\":\"x\",\"metadata\":[],\"id\":\"m1\"}",
         ERR_INVALID_METADATA, "m1"},
        {"{\"type\":\"chat\",\"recipient\":\"bob\",\"id\":\"m1\",\"message\":"
         "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxx\"}",
         ERR_TOO_LONG, "m1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        envelope_t envelope;
        char id[ID_SIZE] = "x";
        err_t err = parse(cases[i].text, &envelope, id);
        if (err != cases[i].err || strcmp(id, cases[i].id) != 0)
            fail_msg("%s: %s, id %s", cases[i].text, err_code(err), id);
    }
}

static cJSON *take(buffer_t *out, err_t err)
{
    assert_int_equal(err, ERR_OK);
    cJSON *json = json_parse(buffer_text(out), out->length);
    assert_non_null(json);
    buffer_clear(out);
    return json;
}

static void assert_member(const cJSON *json, const char *name, const char *value)
{
    const char *found = json_string(json, name);

    if (!found)
        fail_msg("%s is missing", name);
    assert_string_equal(found, value);
}

static void test_messages_to_browsers(void **state)
{
    static const struct {
        message_type_t type;
        bool stored;
        const char *envelope, *message_type;
    } cases[] = {
        {MESSAGE_CHAT, false, "chat", "chat"},
        {MESSAGE_CHAT, true, "stored", "chat"},
        {MESSAGE_NOTIFICATION, false, "notification", "notification"},
        {MESSAGE_SUBSCRIPTION, false, "notification", "subscription"},
        {MESSAGE_SUBSCRIPTION, true, "stored", "subscription"},
        {MESSAGE_COMMAND, false, "chat", "command"},
    };
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        message_t message;
        message_make(&message, "bob", "alice", "a \"b\"\n</script>", 16, cases[i].type);
        message_set_metadata(&message, "{\"t\":21.5}");
        strcpy(message.id, "m1");
        strcpy(message.timestamp, "2026-11-22T17:01:39.123456+00:00");
        cJSON *json = take(&out, envelope_write_message(&out, &message, cases[i].stored));
        assert_member(json, "type", cases[i].envelope);
        assert_member(json, "message_type", cases[i].message_type);
        assert_member(json, "sender", "bob");
        assert_member(json, "message", "a \"b\"\n</script>");
        assert_member(json, "id", "m1");
        assert_member(json, "timestamp", "2026-11-22T17:01:39.123456+00:00");
        cJSON *metadata = cJSON_GetObjectItemCaseSensitive(json, "metadata");
        assert_true(cJSON_GetObjectItemCaseSensitive(metadata, "t")->valuedouble == 21.5);
        cJSON_Delete(json);
        message_free(&message);
    }
    buffer_free(&out);
}

static void test_presence_and_rosters(void **state)
{
    roster_t roster = {0};
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    assert_true(roster_add(&roster, "bob"));
    assert_true(roster_add(&roster, "alice"));
    assert_true(roster_add(&roster, "carol"));
    assert_false(roster_add(&roster, "bob"));
    assert_true(roster_remove(&roster, "alice"));
    assert_false(roster_remove(&roster, "alice"));
    assert_int_equal(envelope_write_presence(&out, true, "carol", &roster, 2), ERR_OK);
    assert_string_equal(buffer_text(&out),
                        "{\"type\":\"user_joined\",\"username\":\"carol\",\"online_users\":[\"bob\","
                        "\"carol\"],\"online\":2}");
    assert_true(roster_bytes(&roster) >= strlen("\"online_users\":[\"bob\",\"carol\"]"));
    buffer_clear(&out);
    assert_int_equal(envelope_write_presence(&out, false, "bob", NULL, 0), ERR_OK);
    assert_string_equal(buffer_text(&out), "{\"type\":\"user_left\",\"username\":\"bob\"}");
    buffer_clear(&out);
    roster_free(&roster);
    assert_int_equal(envelope_write_login_success(&out, "bob", &roster, 16384), ERR_OK);
    assert_string_equal(buffer_text(&out),
                        "{\"type\":\"login_success\",\"username\":\"bob\",\"online_users\":[],"
                        "\"max_message_bytes\":16384}");
    buffer_free(&out);
}

static void test_results(void **state)
{
    static const struct {
        const char *frame, *envelope;
    } cases[] = {
        {"{\"type\":\"result\",\"command\":\"check\",\"stored\":0}",
         "{\"type\":\"system\",\"command\":\"check\",\"message\":\"No stored messages.\",\"stored\":0}"},
        {"{\"type\":\"result\",\"command\":\"check\",\"stored\":2}",
         "{\"type\":\"system\",\"command\":\"check\",\"message\":\"2 stored messages.\",\"stored\":2}"},
        {"{\"type\":\"result\",\"command\":\"users\",\"users\":[\"a\",\"b\"],\"online\":2}",
         "{\"type\":\"system\",\"command\":\"users\",\"message\":\"Users online: a, "
         "b\",\"users\":[\"a\",\"b\"],"
         "\"online\":2}"},
        {"{\"type\":\"result\",\"command\":\"ping\"}",
         "{\"type\":\"system\",\"command\":\"ping\",\"message\":\"The server answers.\"}"},
    };
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        frame_t frame;
        assert_int_equal(
            frame_parse(cases[i].frame, strlen(cases[i].frame), FRAME_SIDE_CLIENT, LIMIT, &frame, NULL),
            ERR_OK);
        assert_int_equal(envelope_write_result(&out, &frame), ERR_OK);
        assert_string_equal(buffer_text(&out), cases[i].envelope);
        buffer_clear(&out);
        frame_free(&frame);
    }
    assert_int_equal(envelope_write_receipt(&out, "m1", RECEIPT_STORED, NULL, NULL), ERR_OK);
    assert_string_equal(buffer_text(&out), "{\"type\":\"receipt\",\"id\":\"m1\",\"status\":\"stored\"}");
    buffer_clear(&out);
    buffer_free(&out);
    buffer_init(&out, 40); /* what doesn't fit is an error, not half an object */
    assert_int_equal(envelope_write_error(&out, "code", "a text that is longer than that"), ERR_TOO_LONG);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_browsers_say),    cmocka_unit_test(test_the_short_way),
        cmocka_unit_test(test_what_does_not_fit),    cmocka_unit_test(test_messages_to_browsers),
        cmocka_unit_test(test_presence_and_rosters), cmocka_unit_test(test_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
