#include "thermometer/subscribers.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char KEY[] = "0123456789abcdef0123456789abcdef";

static subscribers_t *copy(const subscribers_t *subscribers)
{
    subscribers_t *other = subscribers_new();
    buffer_t text;

    buffer_init(&text, 0);
    assert_int_equal(subscribers_write(subscribers, &text), ERR_OK);
    assert_int_equal(subscribers_read(other, buffer_text(&text), text.length), ERR_OK);
    buffer_free(&text);
    return other;
}

static void test_keys(void **state)
{
    char a[KEY_SIZE], b[KEY_SIZE], id[ID_SIZE];

    (void)state;
    key_make("alice", "m1", a);
    key_make("alice", "m1", b);
    assert_string_equal(a, b);
    assert_true(key_is_valid(a));
    key_make("bob", "m1", b);
    assert_string_not_equal(a, b);
    key_make("alice", "m2", b);
    assert_string_not_equal(a, b);
    /* A restart of another version must make the same. */
    assert_string_equal(a, "08c62ebee05dffd2411c974e6a894637");
    key_reading_id(a, INT64_C(9007199254740991), id);
    assert_true(id_is_valid(id, strlen(id)));
    key_reply_id(a, id);
    assert_true(id_is_valid(id, strlen(id)));
    assert_false(key_is_valid(""));
    assert_false(key_is_valid("0123456789ABCDEF0123456789abcdef"));
}

static void test_order(void **state)
{
    subscribers_t *subscribers = subscribers_new();

    (void)state;
    assert_null(subscribers_first(subscribers));
    subscriber_t *a = subscribers_add(subscribers, "a", KEY), *b = subscribers_add(subscribers, "b", KEY);
    subscribers_add(subscribers, "c", KEY);
    assert_ptr_equal(subscribers_first(subscribers), a);
    subscribers_move_to_end(subscribers, a);
    assert_ptr_equal(subscribers_first(subscribers), b);
    subscribers_remove(subscribers, b);
    assert_null(subscribers_find(subscribers, "b"));
    assert_string_equal(subscribers_first(subscribers)->name, "c");
    subscribers_give_back(subscribers, b);
    assert_ptr_equal(subscribers_find(subscribers, "b"), b);
    assert_int_equal(subscribers_count(subscribers), 3);
    subscribers_free(subscribers);
}

/* The reading that the next one replaces is the 20th last that was stored, whatever was refused between. */
static void test_kept(void **state)
{
    subscribers_t *subscribers = subscribers_new();
    subscriber_t *one = subscribers_add(subscribers, "one", KEY);

    (void)state;
    for (int i = 1; i <= SUBSCRIBERS_KEPT; i++) {
        assert_int_equal(subscriber_replaced(one), 0);
        subscriber_advance(one, true);
    }
    assert_int_equal(subscriber_replaced(one), 1);
    for (int i = 0; i < 5; i++)
        subscriber_advance(one, false);
    assert_int_equal(subscriber_replaced(one), 1);
    subscriber_advance(one, true);
    assert_int_equal(one->number, 26);
    assert_int_equal(subscriber_replaced(one), 2);
    subscribers_t *other = copy(subscribers);
    one = subscribers_find(other, "one");
    assert_int_equal(one->number, 26);
    assert_int_equal(subscriber_replaced(one), 2);
    for (int i = 0; i < 19; i++)
        subscriber_advance(one, true);
    assert_int_equal(subscriber_replaced(one), 26);
    subscribers_free(other);
    subscribers_free(subscribers);
}

static void test_handled(void **state)
{
    subscribers_t *subscribers = subscribers_new();
    char key[KEY_SIZE];

    (void)state;
    for (int i = 0; i < HANDLED_MAX + 5; i++) {
        snprintf(key, sizeof(key), "%032d", i);
        assert_false(subscribers_has_handled(subscribers, key));
        subscribers_note_handled(subscribers, key);
        assert_true(subscribers_has_handled(subscribers, key));
    }
    subscribers_forget_newest_handled(subscribers);
    subscribers_t *other = copy(subscribers);
    for (int i = 0; i < HANDLED_MAX + 5; i++) {
        snprintf(key, sizeof(key), "%032d", i);
        bool known = i >= 5 && i < HANDLED_MAX + 4;
        assert_int_equal(subscribers_has_handled(subscribers, key), known);
        assert_int_equal(subscribers_has_handled(other, key), known);
    }
    subscribers_free(other);
    subscribers_free(subscribers);
}

static void test_full_and_back(void **state)
{
    subscribers_t *subscribers = subscribers_new();
    char name[USERNAME_SIZE], key[KEY_SIZE];
    buffer_t text;

    (void)state;
    for (int i = 0; i < SUBSCRIBERS_MAX; i++) {
        snprintf(name, sizeof(name), "user\xc3\xa9\xf0\xa0\x80\x80%d", i);
        snprintf(key, sizeof(key), "%032d", i);
        subscriber_t *one = subscribers_add(subscribers, name, key);
        one->number = INT64_C(1) << 52;
        for (int j = 0; j < SUBSCRIBERS_KEPT; j++)
            subscriber_advance(one, true);
    }
    assert_null(subscribers_add(subscribers, "onemore", KEY));
    subscribers_set_round_us(subscribers, 1795366899123456);
    buffer_init(&text, 0);
    assert_int_equal(subscribers_write(subscribers, &text), ERR_OK);
    assert_true(text.length < SUBSCRIBERS_MAX_FILE / 2);
    buffer_free(&text);
    subscribers_t *other = copy(subscribers);
    assert_int_equal(subscribers_count(other), SUBSCRIBERS_MAX);
    assert_int_equal(subscribers_round_us(other), 1795366899123456);
    assert_string_equal(subscribers_find(other, name)->key, key);
    assert_int_equal(subscribers_find(other, name)->number, (INT64_C(1) << 52) + SUBSCRIBERS_KEPT);
    subscribers_free(other);
    subscribers_free(subscribers);
}

static void assert_refused(const char *text)
{
    subscribers_t *subscribers = subscribers_new();

    assert_int_not_equal(subscribers_read(subscribers, text, strlen(text)), ERR_OK);
    subscribers_free(subscribers);
}

#define ONE(key, number, kept)                                                                               \
    "{\"name\":\"a\",\"key\":\"" key "\",\"number\":" number ",\"kept\":[" kept "]}"
#define STATE(list, handled)                                                                                 \
    "{\"version\":1,\"round_us\":0,\"subscribers\":[" list "],\"handled\":[" handled "]}"
#define GOOD "0123456789abcdef0123456789abcdef"

static void test_damaged(void **state)
{
    subscribers_t *subscribers = subscribers_new();
    const char *good = STATE(ONE(GOOD, "7", "5,6"), "\"" GOOD "\"");

    (void)state;
    assert_int_equal(subscribers_read(subscribers, good, strlen(good)), ERR_OK);
    subscribers_free(subscribers);
    for (size_t length = 0; length < strlen(good); length++) {
        subscribers = subscribers_new();
        assert_int_not_equal(subscribers_read(subscribers, good, length), ERR_OK);
        subscribers_free(subscribers);
    }
    assert_refused("[]");
    assert_refused("{\"version\":2,\"round_us\":0,\"subscribers\":[],\"handled\":[]}");
    assert_refused("{\"version\":1,\"round_us\":-1,\"subscribers\":[],\"handled\":[]}");
    assert_refused(STATE(ONE("short", "7", ""), ""));
    assert_refused(STATE(ONE(GOOD, "-1", ""), ""));
    assert_refused(STATE(ONE(GOOD, "7", "8"), ""));
    assert_refused(STATE(ONE(GOOD, "7", "5,5"), ""));
    assert_refused(STATE(ONE(GOOD, "7", "1.5,1.9"), "")); /* would be written as 1,1 */
    assert_refused(STATE(ONE(GOOD, "7", "\"5\""), ""));
    assert_refused(STATE(ONE(GOOD, "30", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21"), ""));
    assert_refused(STATE(ONE(GOOD, "7", "") "," ONE(GOOD, "7", ""), ""));
    assert_refused(STATE("3", ""));
    assert_refused(STATE("", "3"));
    assert_refused(STATE("", "\"xyz\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_order),   cmocka_unit_test(test_kept),
        cmocka_unit_test(test_handled), cmocka_unit_test(test_damaged), cmocka_unit_test(test_full_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
