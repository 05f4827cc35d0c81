/* What a request holds, and what is told of one that does not fit. */
#include "common/alloc.h"
#include "message_api/openapi.h"
#include "message_api/request_reader.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 100 };

static cJSON *parse(const char *text)
{
    cJSON *json = json_parse(text, strlen(text));
    if (json == NULL)
        fail_msg("%s", text);
    return json;
}

/* The details are one fault at this place and of this type. */
static void check_fault(details_t *details, const char *place, const char *type)
{
    buffer_t text;
    buffer_init(&text, 0);
    assert_int_equal(details_append(details, &text), ERR_OK);
    cJSON *json = parse(buffer_text(&text));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "detail");
    assert_int_equal(cJSON_GetArraySize(list), 1);
    const cJSON *fault = cJSON_GetArrayItem(list, 0);
    char *loc = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(fault, "loc"));
    assert_string_equal(loc, place);
    assert_string_equal(json_string(fault, "type"), type);
    assert_true(strlen(json_string(fault, "msg")) > 0);
    free(loc);
    cJSON_Delete(json);
    buffer_free(&text);
}

static void check_message_fault(const char *text, const char *place, const char *type)
{
    cJSON *json = parse(text);
    details_t details;
    details_init(&details);
    message_t message;
    assert_false(request_read_message(json, LIMIT, &message, &details));
    check_fault(&details, place, type);
    details_free(&details);
    cJSON_Delete(json);
}

static void test_message_faults(void **state)
{
    (void)state;
    check_message_fault("{\"destination\":\"b\",\"message\":\"x\"}", "[\"body\",\"sender\"]", "missing");
    check_message_fault("{\"sender\":\"a\",\"message\":\"x\"}", "[\"body\",\"destination\"]", "missing");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\"}", "[\"body\",\"message\"]", "missing");
    check_message_fault("[]", "[\"body\"]", "dict_type");
    check_message_fault("null", "[\"body\"]", "dict_type");
    check_message_fault("{\"sender\":\"a b\",\"destination\":\"b\",\"message\":\"x\"}",
                        "[\"body\",\"sender\"]", "username_invalid");
    check_message_fault("{\"sender\":\"System\",\"destination\":\"b\",\"message\":\"x\"}",
                        "[\"body\",\"sender\"]", "username_reserved");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"all\",\"message\":\"x\"}",
                        "[\"body\",\"destination\"]", "username_reserved");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"\"}", "[\"body\",\"message\"]",
                        "empty");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"a\\u0007\"}",
                        "[\"body\",\"message\"]", "invalid_text");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\",\"id\":\"a b\"}",
                        "[\"body\",\"id\"]", "invalid_id");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\",\"type\":\"shout\"}",
                        "[\"body\",\"type\"]", "invalid_type");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\",\"metadata\":[]}",
                        "[\"body\",\"metadata\"]", "invalid_metadata");
    check_message_fault("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\",\"timestamp\":\"soon\"}",
                        "[\"body\",\"timestamp\"]", "invalid_timestamp");
}

static void test_message(void **state)
{
    (void)state;
    cJSON *json = parse("{\"sender\":\"Jo\\u0308rg\",\"destination\":\"bob\",\"message\":\"x\","
                        "\"timestamp\":\"2026-11-22T18:01:39.5\"}");
    details_t details;
    details_init(&details);
    message_t message;
    assert_true(request_read_message(json, LIMIT, &message, &details));
    assert_string_equal(message.sender, "Jörg");
    assert_string_equal(message.timestamp, "2026-11-22T18:01:39.500000+00:00");
    assert_int_equal(strlen(message.id), ID_UUID_SIZE - 1);
    assert_string_equal(message.metadata, "{}");
    assert_int_equal(message.type, MESSAGE_CHAT);
    message_free(&message);
    cJSON_Delete(json);

    json = parse("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\",\"id\":\"one\"}");
    assert_true(request_read_message(json, LIMIT, &message, &details));
    assert_string_equal(message.id, "one");
    assert_int_equal(strlen(message.timestamp), TIMESTAMP_SIZE - 1);
    message_free(&message);
    cJSON_Delete(json);
    assert_int_equal(details.count, 0);
}

static void check_batch_fault(const char *text, const char *place, const char *type)
{
    cJSON *json = parse(text);
    details_t details;
    details_init(&details);
    message_t *messages;
    size_t count;
    assert_false(request_read_messages(json, LIMIT, &messages, &count, &details));
    check_fault(&details, place, type);
    details_free(&details);
    cJSON_Delete(json);
}

/* {"messages":[…]} with so many good messages. */
static cJSON *make_batch(int count)
{
    cJSON *json = parse("{\"messages\":[]}");
    cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "messages");
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(list, parse("{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\"}"));
    return json;
}

static void test_batch(void **state)
{
    (void)state;
    check_batch_fault("{}", "[\"body\",\"messages\"]", "missing");
    check_batch_fault("{\"messages\":{}}", "[\"body\",\"messages\"]", "list_type");
    check_batch_fault("{\"messages\":[]}", "[\"body\",\"messages\"]", "too_short");
    check_batch_fault("{\"messages\":[{\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\"},7]}",
                      "[\"body\",\"messages\",1]", "dict_type");
    check_batch_fault("{\"messages\":[{\"sender\":\"a\",\"destination\":\"b\"}]}",
                      "[\"body\",\"messages\",0,\"message\"]", "missing");

    cJSON *json = make_batch(STORE_MAX_PUT);
    details_t details;
    details_init(&details);
    message_t *messages;
    size_t count;
    assert_true(request_read_messages(json, LIMIT, &messages, &count, &details));
    assert_int_equal(count, STORE_MAX_PUT);
    assert_string_not_equal(messages[0].id, messages[1].id);
    request_free_messages(messages, count);
    cJSON_Delete(json);

    json = make_batch(STORE_MAX_PUT + 1);
    assert_false(request_read_messages(json, LIMIT, &messages, &count, &details));
    check_fault(&details, "[\"body\",\"messages\"]", "too_long");
    details_free(&details);
    cJSON_Delete(json);
}

/* Many faults are told up to a bound. */
static void test_many_faults(void **state)
{
    (void)state;
    cJSON *json = parse("{\"messages\":[]}");
    cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "messages");
    for (int i = 0; i < STORE_MAX_PUT; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNull());
    details_t details;
    details_init(&details);
    message_t *messages;
    size_t count;
    assert_false(request_read_messages(json, LIMIT, &messages, &count, &details));
    assert_int_equal(details.count, STORE_MAX_PUT);
    buffer_t text;
    buffer_init(&text, 0);
    assert_int_equal(details_append(&details, &text), ERR_OK);
    cJSON *answer = parse(buffer_text(&text));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "detail")), DETAILS_MAX);
    cJSON_Delete(answer);
    buffer_free(&text);
    details_free(&details);
    cJSON_Delete(json);
}

static void check_acknowledgement_fault(const char *text, const char *place, const char *type)
{
    cJSON *json = parse(text);
    details_t details;
    details_init(&details);
    store_acknowledgement_t *list;
    size_t count;
    assert_false(request_read_acknowledgements(json, &list, &count, &details));
    check_fault(&details, place, type);
    details_free(&details);
    cJSON_Delete(json);
}

static cJSON *make_acknowledgements(int mailboxes, int keys)
{
    cJSON *json = parse("{\"acknowledgements\":[]}");
    for (int i = 0; i < mailboxes; i++) {
        cJSON *mailbox = parse("{\"username\":\"b\",\"epoch\":1,\"keys\":[]}");
        for (int j = 0; j < keys; j++)
            cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(mailbox, "keys"),
                                 parse("{\"sender\":\"a\",\"id\":\"i\"}"));
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(json, "acknowledgements"), mailbox);
    }
    return json;
}

static void test_acknowledgements(void **state)
{
    (void)state;
#define BEGIN "{\"acknowledgements\":[{\"username\":\"b\","
    check_acknowledgement_fault(BEGIN "\"keys\":[]}]}", "[\"body\",\"acknowledgements\",0,\"epoch\"]",
                                "missing");
    check_acknowledgement_fault(BEGIN "\"epoch\":\"1\",\"keys\":[]}]}",
                                "[\"body\",\"acknowledgements\",0,\"epoch\"]", "int_type");
    check_acknowledgement_fault(BEGIN "\"epoch\":0,\"keys\":[]}]}",
                                "[\"body\",\"acknowledgements\",0,\"epoch\"]", "int_type");
    check_acknowledgement_fault(BEGIN "\"epoch\":1}]}", "[\"body\",\"acknowledgements\",0,\"keys\"]",
                                "missing");
    check_acknowledgement_fault(
        BEGIN "\"epoch\":1,\"keys\":[{\"sender\":\"a\",\"id\":\"i\"},{\"sender\":\"a\"}]}]}",
        "[\"body\",\"acknowledgements\",0,\"keys\",1,\"id\"]", "missing");
    check_acknowledgement_fault(BEGIN "\"epoch\":1,\"keys\":[{\"sender\":\"\",\"id\":\"i\"}]}]}",
                                "[\"body\",\"acknowledgements\",0,\"keys\",0,\"sender\"]",
                                "username_invalid");
#undef BEGIN
    cJSON *json = make_acknowledgements(2, STORE_MAX_ACKNOWLEDGE / 2);
    details_t details;
    details_init(&details);
    store_acknowledgement_t *list;
    size_t count;
    assert_true(request_read_acknowledgements(json, &list, &count, &details));
    assert_int_equal(count, 2);
    assert_int_equal(list[1].count, STORE_MAX_ACKNOWLEDGE / 2);
    assert_string_equal(list[1].keys[7].sender, "a");
    store_acknowledgements_free(list, count);
    cJSON_Delete(json);

    json = make_acknowledgements(2, STORE_MAX_ACKNOWLEDGE / 2 + 1);
    assert_false(request_read_acknowledgements(json, &list, &count, &details));
    check_fault(&details, "[\"body\",\"acknowledgements\"]", "too_long");
    details_free(&details);
    cJSON_Delete(json);
}

static void check_received_fault(const char *text, const char *place, const char *type)
{
    cJSON *json = parse(text);
    details_t details;
    details_init(&details);
    store_key_t *keys;
    size_t count;
    assert_false(request_read_received(json, &keys, &count, &details));
    check_fault(&details, place, type);
    details_free(&details);
    cJSON_Delete(json);
}

static cJSON *make_received(int senders, int ids)
{
    cJSON *json = parse("{\"received\":[]}");
    for (int i = 0; i < senders; i++) {
        cJSON *one = parse("{\"sender\":\"a\",\"ids\":[]}");
        for (int j = 0; j < ids; j++)
            cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(one, "ids"), cJSON_CreateString("i"));
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(json, "received"), one);
    }
    return json;
}

static void test_received(void **state)
{
    (void)state;
    check_received_fault("[]", "[\"body\"]", "dict_type");
    check_received_fault("{\"received\":[]}", "[\"body\",\"received\"]", "too_short");
    check_received_fault("{\"received\":[1]}", "[\"body\",\"received\",0]", "dict_type");
    check_received_fault("{\"received\":[{\"ids\":[\"i\"]}]}", "[\"body\",\"received\",0,\"sender\"]",
                         "missing");
    check_received_fault("{\"received\":[{\"sender\":\"a\",\"ids\":[]}]}",
                         "[\"body\",\"received\",0,\"ids\"]", "too_short");
    check_received_fault("{\"received\":[{\"sender\":\"a\",\"ids\":[\"i\",2]}]}",
                         "[\"body\",\"received\",0,\"ids\",1]", "string_type");
    check_received_fault(
        "{\"received\":[{\"sender\":\"a\",\"ids\":[\"i\"]},{\"sender\":\"b\",\"ids\":[\"\"]}]}",
        "[\"body\",\"received\",1,\"ids\",0]", "invalid_id");
    details_t details;
    details_init(&details);
    store_key_t *keys;
    size_t count;
    cJSON *json = make_received(STORE_MAX_REMEMBER / 256, 256);
    assert_true(request_read_received(json, &keys, &count, &details));
    assert_int_equal(count, STORE_MAX_REMEMBER);
    assert_string_equal(keys[STORE_MAX_REMEMBER - 1].sender, "a");
    assert_string_equal(keys[STORE_MAX_REMEMBER - 1].id, "i");
    free(keys);
    cJSON_Delete(json);
    json = make_received(STORE_MAX_REMEMBER / 256 + 1, 256);
    assert_false(request_read_received(json, &keys, &count, &details));
    check_fault(&details, "[\"body\",\"received\"]", "too_long");
    details_free(&details);
    cJSON_Delete(json);
}

/* What the original let through as a sender can be acknowledged as it is. */
static void test_old_sender(void **state)
{
    (void)state;
    cJSON *json =
        parse("{\"acknowledgements\":[{\"username\":\"b\",\"epoch\":1,\"keys\":"
              "[{\"sender\":\"Old Name\",\"id\":\"i\"},{\"sender\":\"Jo\\u0308rg\",\"id\":\"j\"}]}]}");
    details_t details;
    details_init(&details);
    store_acknowledgement_t *list;
    size_t count;
    assert_true(request_read_acknowledgements(json, &list, &count, &details));
    assert_string_equal(list[0].keys[0].sender, "Old Name");
    assert_string_equal(list[0].keys[1].sender, "Jörg");
    store_acknowledgements_free(list, count);
    cJSON_Delete(json);
}

static const char *path_username(const char *text)
{
    static char username[USERNAME_SIZE];
    details_t details;
    details_init(&details);
    bool good = request_read_path_username(text, strlen(text), username, &details);
    assert_int_equal(details.count, good ? 0 : 1);
    details_free(&details);
    return good ? username : "refused";
}

static void test_path_username(void **state)
{
    (void)state;
    assert_string_equal(path_username("bob"), "bob");
    assert_string_equal(path_username("J%C3%B6rg"), "Jörg");
    assert_string_equal(path_username("Jo%CC%88rg"), "Jörg");
    assert_string_equal(path_username("a%2Fb"), "refused");
    assert_string_equal(path_username("bob%00"), "refused");
    assert_string_equal(path_username("bob%"), "refused");
    assert_string_equal(path_username("%FF"), "refused");
    assert_string_equal(path_username("server"), "refused");
    assert_string_equal(path_username("aaaaaaaaaabbbbbbbbbbccccccccccdd"),
                        "aaaaaaaaaabbbbbbbbbbccccccccccdd");
    assert_string_equal(path_username("aaaaaaaaaabbbbbbbbbbccccccccccddd"), "refused");
}

static int64_t query(const char *text, bool required)
{
    const query_integer_t limits = {"limit", 1, 256, required, 256};
    int64_t value = -1;
    details_t details;
    details_init(&details);
    bool good = request_read_query(&limits, text, &value, &details);
    assert_int_equal(details.count, good ? 0 : 1);
    details_free(&details);
    return good ? value : -1;
}

static void test_query(void **state)
{
    (void)state;
    assert_int_equal(query(NULL, false), 256);
    assert_int_equal(query(NULL, true), -1);
    assert_int_equal(query("1", true), 1);
    assert_int_equal(query("%31%32", true), 12);
    assert_int_equal(query("256", true), 256);
    assert_int_equal(query("257", true), -1);
    assert_int_equal(query("0", true), -1);
    assert_int_equal(query("", true), -1);
    assert_int_equal(query("-1", true), -1);
    assert_int_equal(query("1x", true), -1);
    assert_int_equal(query("99999999999999999999999999999999", true), -1);
    assert_int_equal(query("18446744073709551617", true), -1);
    assert_int_equal(query("%zz", true), -1);
    assert_int_equal(query("000000000000000000000000000000000000000000000000000000000000000001", true), -1);
}

static bool has_at_most(const char *json, size_t values)
{
    return request_has_at_most(json, strlen(json), values);
}

static void test_value_count(void **state)
{
    (void)state;
    assert_true(has_at_most("[1,2,3]", 3));
    assert_false(has_at_most("[1,2,3]", 2));
    assert_true(has_at_most("{\"a\":\",,,[[[\\\",,,\"}", 1));
    assert_false(has_at_most("[[[[", 3));
    assert_true(has_at_most("\"\\", 0));
    assert_true(has_at_most("", 0));
}

static void test_openapi(void **state)
{
    (void)state;
    buffer_t text;
    buffer_init(&text, 0);
    assert_int_equal(openapi_append(&text, 1234), ERR_OK);
    assert_null(strstr(buffer_text(&text), "@"));
    cJSON *json = parse(buffer_text(&text));
    const cJSON *info = cJSON_GetObjectItemCaseSensitive(json, "info");
    assert_string_equal(json_string(info, "version"), P2P_VERSION);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "components");
    static const char *const path[] = {"schemas", "NewMessage", "properties", "message"};
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
        item = cJSON_GetObjectItemCaseSensitive(item, path[i]);
    int64_t limit = 0;
    assert_true(json_integer(item, "maxLength", &limit));
    assert_int_equal(limit, 1234);
    cJSON_Delete(json);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_faults),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_many_faults),
        cmocka_unit_test(test_acknowledgements),
        cmocka_unit_test(test_received),
        cmocka_unit_test(test_old_sender),
        cmocka_unit_test(test_path_username),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_value_count),
        cmocka_unit_test(test_openapi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
