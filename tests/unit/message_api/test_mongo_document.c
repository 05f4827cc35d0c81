#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "message_api/store_mongo.h"

enum { MAX_BYTES = 16 };

static bson_t *new_document(void)
{
    bson_t *document = bson_new();
    BSON_APPEND_UTF8(document, "sender", "alice");
    BSON_APPEND_UTF8(document, "destination", "bob");
    return document;
}

/* Reads and frees the document. */
static message_t read_document(bson_t *document)
{
    message_t message;
    mongo_document_read(document, MAX_BYTES, &message);
    bson_destroy(document);
    return message;
}

static void test_there_and_back(void **state)
{
    (void)state;
    message_t message;
    message_make(&message, "alice", "bob", "h\xC3\xA9llo", 6, MESSAGE_SUBSCRIPTION);
    strcpy(message.id, "m-1");
    strcpy(message.timestamp, "2026-11-22T17:01:39.123456+00:00");
    message_set_metadata(&message, "{\"a\":[1,{\"$b\":-0.5}],\"a.b\":\"\\n\"}");
    bson_t *document = bson_new();
    mongo_document_write(&message, 7, document);
    assert_string_equal(mongo_text(document, "_id"), "alice:m-1");
    assert_int_equal(mongo_integer(document, "seq"), 7);
    message_t again = read_document(document);
    assert_string_equal(again.id, message.id);
    assert_string_equal(again.sender, message.sender);
    assert_string_equal(again.destination, message.destination);
    assert_string_equal(again.timestamp, message.timestamp);
    assert_string_equal(again.text, message.text);
    assert_string_equal(again.metadata, message.metadata);
    assert_int_equal(again.type, MESSAGE_SUBSCRIPTION);
    message_free(&message);
    message_free(&again);
}

/* Metadata that was changed in the database can't spoil the page that it stands in. */
static void test_foreign_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *exact, *wanted;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {"{\"a\": 1,\n\"b\": 2}\n", "{\"a\":1,\"b\":2}"},
        {"{\"a\":1", "{\"e\":true}"},
        {"{} {\"type\":\"error\"}", "{\"e\":true}"},
        {"{\"\xAE\":1}", "{\"e\":true}"},
        {"[1]", "{\"e\":true}"},
        {"", "{\"e\":true}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bson_t *document = new_document(), *embedded = bson_new();
        BSON_APPEND_UTF8(document, "message", "x");
        bson_append_utf8(document, "metadata_json", -1, cases[i].exact, -1);
        BSON_APPEND_BOOL(embedded, "e", true);
        BSON_APPEND_DOCUMENT(document, "metadata", embedded);
        bson_destroy(embedded);
        message_t message = read_document(document);
        assert_string_equal(message.metadata, cases[i].wanted);
        assert_int_equal(message.metadata_length, strlen(cases[i].wanted));
        message_free(&message);
    }
}

/* What the original let through is made to fit. */
static void test_foreign_message(void **state)
{
    (void)state;
    bson_t *document = bson_new();
    bson_oid_t oid;
    bson_oid_init_from_string(&oid, "69b2a1f0aabbccddeeff0011");
    BSON_APPEND_OID(document, "_id", &oid);
    BSON_APPEND_UTF8(document, "sender", "no name!");
    BSON_APPEND_UTF8(document, "destination", "bob");
    BSON_APPEND_UTF8(document, "message", "\033[2J 0123456789\xC3\xA9");
    BSON_APPEND_UTF8(document, "type", "shout");
    message_t message = read_document(document);
    assert_string_equal(message.id, "69b2a1f0aabbccddeeff0011");
    assert_string_equal(message.sender, "unknown");
    assert_string_equal(message.text, "\\x1B[2J 01234567");
    assert_int_equal(message.type, MESSAGE_CHAT);
    assert_string_equal(message.metadata, "{}");
    assert_memory_equal(message.timestamp, "2026-03-12T", 11);
    message_free(&message);
}

static void test_foreign_times(void **state)
{
    (void)state;
    static const struct {
        int64_t milliseconds;
        const char *wanted;
    } cases[] = {
        {1, "1970-01-01T00:00:00.001000+00:00"},
        {INT64_C(1795366899123), "2026-11-22T17:01:39.123000+00:00"},
        {-1, "1970-01-01T00:00:00.000000+00:00"},
        {INT64_MIN, "1970-01-01T00:00:00.000000+00:00"},
        {INT64_MAX, "1970-01-01T00:00:00.000000+00:00"},
        {INT64_MAX / 1000, "9999-12-31T23:59:59.775000+00:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bson_t *document = new_document();
        BSON_APPEND_UTF8(document, "message", "x");
        BSON_APPEND_DATE_TIME(document, "timestamp", cases[i].milliseconds);
        message_t message = read_document(document);
        assert_string_equal(message.timestamp, cases[i].wanted);
        message_free(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_foreign_metadata),
        cmocka_unit_test(test_foreign_message),
        cmocka_unit_test(test_foreign_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
