#include "server/store_codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIME "2026-11-22T17:01:39.123456+00:00"

static delivery_t *make_delivery(const char *id, const char *text)
{
    message_t message;

    message_make(&message, "alice", "bob", text, strlen(text), MESSAGE_CHAT);
    strcpy(message.id, id);
    strcpy(message.timestamp, TIME);
    return delivery_new(&message);
}

static void test_put(void **state)
{
    delivery_t *batch[] = {make_delivery("1", "a \"quote\""), make_delivery("2", "b")};
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    assert_int_equal(store_write_put(&out, batch, 2), ERR_OK);
    cJSON *json = json_parse(out.data, out.length);
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(json, "messages");
    assert_int_equal(cJSON_GetArraySize(messages), 2);
    assert_string_equal(json_string(cJSON_GetArrayItem(messages, 0), "message"), "a \"quote\"");
    assert_string_equal(json_string(cJSON_GetArrayItem(messages, 1), "id"), "2");
    cJSON_Delete(json);
    buffer_free(&out);
    delivery_free(batch[0]);
    delivery_free(batch[1]);
}

static bool read_put(const char *body, store_put_result_t *results, size_t count)
{
    return store_read_put(body, strlen(body), results, count);
}

static void test_put_results(void **state)
{
    store_put_result_t results[3];

    (void)state;
    assert_true(read_put("{\"results\":[{\"status\":\"stored\"},{\"status\":\"duplicate\"},"
                         "{\"status\":\"rejected\",\"code\":\"mailbox_full\"}]}",
                         results, 3));
    assert_int_equal(results[0].status, STORE_PUT_STORED);
    assert_int_equal(results[1].status, STORE_PUT_DUPLICATE);
    assert_int_equal(results[2].status, STORE_PUT_REFUSED);
    assert_int_equal(results[2].refusal, ERR_MAILBOX_FULL);
    /* Anything less than an answer for each counts as no answer. */
    assert_false(read_put("{\"results\":[{\"status\":\"stored\"}]}", results, 2));
    assert_false(read_put("{\"results\":[{\"status\":\"perhaps\"}]}", results, 1));
    assert_false(read_put("{\"results\":7}", results, 1));
    assert_false(read_put("<html>", results, 1));
    assert_false(read_put("", results, 1));
}

static bool read_claims(const char *body, store_claimed_t *results, size_t count)
{
    return store_read_claims(body, strlen(body), results, count);
}

static void test_claims(void **state)
{
    const char *const names[] = {"Zo\xc3\xab", "bob"};
    store_claimed_t results[2];
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    assert_int_equal(store_write_claims(&out, names, 2), ERR_OK);
    assert_string_equal(buffer_text(&out), "{\"usernames\":[\"Zo\xc3\xab\",\"bob\"]}");
    buffer_free(&out);
    assert_true(read_claims("{\"results\":[{\"epoch\":12,\"waiting\":false},{\"epoch\":1,\"waiting\":true}]}",
                            results, 2));
    assert_int_equal(results[0].epoch, 12);
    assert_false(results[0].waiting);
    assert_int_equal(results[1].epoch, 1);
    assert_true(results[1].waiting);
    assert_true(read_claims("{\"results\":[{\"epoch\":3}]}", results, 1));
    assert_true(results[0].waiting); /* who does not say so may hold something */
    assert_false(read_claims("{\"results\":[{\"epoch\":3}]}", results, 2));
    assert_false(read_claims("{\"results\":[{\"epoch\":0}]}", results, 1));
    assert_false(read_claims("{}", results, 1));
    assert_false(read_claims("", results, 1));
}

static void expect_path(const char *username, const char *expected)
{
    buffer_t out;

    buffer_init(&out, 0);
    assert_int_equal(store_write_page_path(&out, username, 3, 9, 64), ERR_OK);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void test_page_path(void **state)
{
    (void)state;
    expect_path("bob", "/v1/mailboxes/bob?epoch=3&after=9&limit=64");
    expect_path("Zo\xc3\xab", "/v1/mailboxes/Zo%C3%AB?epoch=3&after=9&limit=64");
    expect_path("..", "/v1/mailboxes/%2E%2E?epoch=3&after=9&limit=64");
}

#define ENTRY(id, seq)                                                                                       \
    "{\"id\":\"" id "\",\"sender\":\"alice\",\"destination\":\"bob\",\"timestamp\":\"" TIME                  \
    "\",\"type\":\"chat\",\"metadata\":{},\"message\":\"m\",\"seq\":" seq "}"

static void test_page(void **state)
{
    static const char body[] =
        "{\"messages\":[" ENTRY("1", "5") "," ENTRY("bad id", "6") "," ENTRY("2", "8") "],\"more\":true}";
    store_page_t page;

    (void)state;
    assert_true(store_read_page(body, strlen(body), &page));
    assert_int_equal(page.count, 2);
    assert_int_equal(page.entries[0].seq, 5);
    assert_string_equal(page.entries[1].message.id, "2");
    assert_int_equal(page.unreadable, 1);
    assert_int_equal(page.last_seq, 8);
    assert_true(page.more);
    store_page_free(&page);

    /* What cannot be read does not hold up what is behind it. */
    static const char broken[] = "{\"messages\":[" ENTRY("bad id", "6") "],\"more\":false}";
    assert_true(store_read_page(broken, strlen(broken), &page));
    assert_int_equal(page.count, 0);
    assert_int_equal(page.last_seq, 6);
    store_page_free(&page);
    assert_false(store_read_page("{}", 2, &page));
    assert_false(store_read_page("", 0, &page));
}

static void test_acknowledgements(void **state)
{
    delivery_t *first = make_delivery("1", "a"), *second = make_delivery("2", "b");
    buffer_t keys, out;
    bool stale[2];

    (void)state;
    buffer_init(&keys, 0);
    buffer_init(&out, 0);
    assert_int_equal(store_write_key(&keys, &first->message), ERR_OK);
    assert_int_equal(store_write_key(&keys, &second->message), ERR_OK);
    assert_int_equal(buffer_append_text(&out, "["), ERR_OK);
    assert_int_equal(store_write_acknowledgement(&out, "bob", 7, buffer_text(&keys)), ERR_OK);
    assert_int_equal(store_write_acknowledgement(&out, "eve", 8, ""), ERR_OK);
    assert_string_equal(
        buffer_text(&out),
        "[{\"username\":\"bob\",\"epoch\":7,\"keys\":[{\"sender\":\"alice\",\"id\":\"1\"},"
        "{\"sender\":\"alice\",\"id\":\"2\"}]},{\"username\":\"eve\",\"epoch\":8,\"keys\":[]}");
    static const char answer[] = "{\"results\":[{\"status\":\"ok\"},{\"status\":\"stale_epoch\"}]}";
    assert_true(store_read_acknowledged(answer, strlen(answer), stale, 2));
    assert_false(stale[0]);
    assert_true(stale[1]);
    assert_false(store_read_acknowledged("{\"results\":[]}", 14, stale, 2));
    assert_int_equal(store_read_error("{\"code\":\"disk_full\"}", 20), ERR_DISK_FULL);
    assert_int_equal(store_read_error("oops", 4), ERR_IO);
    buffer_free(&keys);
    buffer_free(&out);
    delivery_free(first);
    delivery_free(second);
}

static void test_received(void **state)
{
    delivery_t *batch[] = {make_delivery("1", ""), make_delivery("2", ""), make_delivery("3", "")};
    bool duplicate[3];
    buffer_t out;

    (void)state;
    buffer_init(&out, 0);
    strcpy(batch[2]->message.sender, "carol");
    store_received_t received = {0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_write_received(&out, &received, &batch[i]->message), ERR_OK);
    assert_int_equal(store_end_received(&out), ERR_OK);
    assert_string_equal(buffer_text(&out), "{\"received\":[{\"sender\":\"alice\",\"ids\":[\"1\",\"2\"]},"
                                           "{\"sender\":\"carol\",\"ids\":[\"3\"]}]}");
    buffer_clear(&out);
    /* A sender is named again before the ids are too many; that, too, only so often. */
    received = (store_received_t){"carol", STORE_RECEIVED_IDS, STORE_RECEIVED_SENDERS - 1};
    assert_true(store_received_fits(&received, &batch[2]->message));
    assert_int_equal(store_write_received(&out, &received, &batch[2]->message), ERR_OK);
    assert_string_equal(buffer_text(&out), "]},{\"sender\":\"carol\",\"ids\":[\"3\"");
    assert_true(store_received_fits(&received, &batch[2]->message));
    assert_false(store_received_fits(&received, &batch[0]->message));
    received.ids = STORE_RECEIVED_IDS;
    assert_false(store_received_fits(&received, &batch[2]->message));
    buffer_free(&out);
    assert_true(store_read_duplicates("{\"duplicates\":[1]}", 18, duplicate, 3));
    assert_true(!duplicate[0] && duplicate[1] && !duplicate[2]);
    assert_true(store_read_duplicates("{\"duplicates\":[]}", 17, duplicate, 3));
    assert_false(duplicate[1]);
    assert_false(store_read_duplicates("{\"duplicates\":[3]}", 18, duplicate, 3));
    assert_false(store_read_duplicates("{\"duplicates\":[-1]}", 19, duplicate, 3));
    assert_false(store_read_duplicates("{}", 2, duplicate, 3));
    for (int i = 0; i < 3; i++)
        delivery_free(batch[i]);
}

static void test_key_of_longest_names(void **state)
{
    char sender[USERNAME_SIZE], id[ID_SIZE], key[DELIVERY_KEY_SIZE];

    (void)state;
    memset(sender, 'a', sizeof sender - 1);
    memset(id, 'b', sizeof id - 1);
    sender[sizeof sender - 1] = id[sizeof id - 1] = '\0';
    delivery_key(sender, id, key);
    assert_int_equal(strlen(key), sizeof key - 1);
    assert_int_equal(key[sizeof sender - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put),      cmocka_unit_test(test_put_results),
        cmocka_unit_test(test_claims),   cmocka_unit_test(test_page_path),
        cmocka_unit_test(test_page),     cmocka_unit_test(test_acknowledgements),
        cmocka_unit_test(test_received), cmocka_unit_test(test_key_of_longest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
