#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/outbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static err_t add(outbox_t *outbox, const char *id, const char *text, int64_t now_us)
{
    message_t message;
    message_make(&message, "", "bob", text, strlen(text), MESSAGE_CHAT);
    snprintf(message.id, sizeof message.id, "%s", id);
    err_t err = outbox_add(outbox, &message, now_us, NULL);
    message_free(&message);
    return err;
}

/* "a b+ c": the ids in order, + for those sent before. */
static void assert_holds(outbox_t *outbox, const char *expected)
{
    buffer_t seen;
    buffer_init(&seen, 0);
    void *position = NULL;
    const message_t *message;
    bool sent;
    while ((message = outbox_next(outbox, &position, &sent)) != NULL)
        buffer_appendf(&seen, "%s%s%s", seen.length > 0 ? " " : "", message->id, sent ? "+" : "");
    assert_null(outbox_next(outbox, &position, &sent)); /* the end stays the end */
    assert_string_equal(buffer_text(&seen), expected);
    buffer_free(&seen);
}

static const message_t *find(outbox_t *outbox, const char *id)
{
    void *position = NULL;
    const message_t *message;
    while ((message = outbox_next(outbox, &position, NULL)) != NULL && strcmp(message->id, id) != 0)
        ;
    return message;
}

static void test_order_and_marks(void **state)
{
    (void)state;
    outbox_t *outbox = outbox_new();
    assert_holds(outbox, "");
    assert_int_equal(outbox_count(outbox), 0);
    assert_int_equal(add(outbox, "c", "1", 1), ERR_OK);
    assert_int_equal(add(outbox, "a", "2", 2), ERR_OK);
    assert_int_equal(add(outbox, "b", "3", 3), ERR_OK);
    assert_holds(outbox, "c a b");
    outbox_mark_sent(find(outbox, "a"));
    assert_holds(outbox, "c a+ b");
    assert_int_equal(add(outbox, "a", "again", 4), ERR_OK); /* the same message */
    assert_int_equal(outbox_count(outbox), 3);
    assert_holds(outbox, "c a+ b");
    assert_true(outbox_remove(outbox, "a"));
    assert_false(outbox_remove(outbox, "a"));
    assert_int_equal(add(outbox, "a", "new", 5), ERR_OK);
    assert_holds(outbox, "c b a");
    outbox_free(outbox);
    outbox_free(NULL);
}

static void test_connections(void **state)
{
    (void)state;
    outbox_t *outbox = outbox_new();
    message_t message;
    const message_t *kept, *again;
    message_make(&message, "", "bob", "hello", 5, MESSAGE_CHAT);
    strcpy(message.id, "a");
    assert_int_equal(outbox_add(outbox, &message, 1, &kept), ERR_OK);
    assert_ptr_not_equal(kept, &message);
    assert_false(outbox_is_written(outbox, kept));
    outbox_mark_written(outbox, kept);
    assert_true(outbox_is_written(outbox, kept));
    assert_holds(outbox, "a+");
    assert_int_equal(outbox_add(outbox, &message, 2, &again), ERR_OK);
    assert_ptr_equal(again, kept);
    outbox_new_connection(outbox);
    assert_false(outbox_is_written(outbox, kept));
    assert_holds(outbox, "a+");
    outbox_mark_sent(kept); /* says nothing of this connection */
    assert_false(outbox_is_written(outbox, kept));
    outbox_mark_written(outbox, kept);
    assert_true(outbox_is_written(outbox, kept));
    assert_true(outbox_remove(outbox, "a"));
    assert_int_equal(outbox_add(outbox, &message, 3, &again), ERR_OK); /* a new one */
    assert_false(outbox_is_written(outbox, again));
    message_free(&message);
    outbox_free(outbox);
}

static void test_it_copies(void **state)
{
    (void)state;
    outbox_t *outbox = outbox_new();
    message_t message;
    message_make(&message, "alice", "bob", "hello", 5, MESSAGE_COMMAND);
    strcpy(message.id, "m");
    message_set_metadata(&message, "{\"a\":1}");
    assert_int_equal(outbox_add(outbox, &message, 1, NULL), ERR_OK);
    memset(message.text, 'X', 5);
    message_free(&message);
    void *position = NULL;
    const message_t *kept = outbox_next(outbox, &position, NULL);
    assert_string_equal(kept->text, "hello");
    assert_string_equal(kept->metadata, "{\"a\":1}");
    assert_string_equal(kept->destination, "bob");
    assert_int_equal(kept->type, MESSAGE_COMMAND);
    outbox_free(outbox);
}

static void test_removing_in_a_walk(void **state)
{
    (void)state;
    for (int which = 0; which < 8; which++) { /* every choice of three */
        outbox_t *outbox = outbox_new();
        static const char *const ids[] = {"a", "b", "c"};
        for (int i = 0; i < 3; i++)
            add(outbox, ids[i], "x", i);
        void *position = NULL;
        const message_t *message;
        int seen = 0;
        while ((message = outbox_next(outbox, &position, NULL)) != NULL) {
            assert_string_equal(message->id, ids[seen]);
            if (which & 1 << seen)
                assert_true(outbox_remove(outbox, ids[seen]));
            seen++;
        }
        assert_int_equal(seen, 3);
        assert_int_equal(outbox_count(outbox), 3 - __builtin_popcount((unsigned)which));
        outbox_free(outbox);
    }
}

static void test_limit_of_messages(void **state)
{
    (void)state;
    outbox_t *outbox = outbox_new();
    char id[ID_SIZE];
    for (int i = 0; i < OUTBOX_MAX_MESSAGES; i++) {
        snprintf(id, sizeof id, "m%d", i);
        assert_int_equal(add(outbox, id, "x", i), ERR_OK);
    }
    assert_int_equal(add(outbox, "more", "x", 0), ERR_BUSY);
    assert_int_equal(add(outbox, "m5", "x", 0), ERR_OK); /* is there already */
    assert_int_equal(outbox_count(outbox), OUTBOX_MAX_MESSAGES);
    assert_true(outbox_remove(outbox, "m17"));
    assert_int_equal(add(outbox, "more", "x", 0), ERR_OK);
    outbox_free(outbox);
}

static void test_limit_of_bytes(void **state)
{
    (void)state;
    enum { LARGE = 1024 * 1024 };
    outbox_t *outbox = outbox_new();
    char *text = alloc_bytes(LARGE + 1), id[ID_SIZE];
    memset(text, 'x', LARGE);
    text[LARGE] = '\0';
    int count = 0;
    err_t err;
    do {
        snprintf(id, sizeof id, "m%d", count);
        err = add(outbox, id, text, 0);
        count += err == ERR_OK;
    } while (err == ERR_OK && count < 1000);
    assert_int_equal(err, ERR_BUSY);
    assert_int_equal(count, OUTBOX_MAX_BYTES / LARGE - 1);
    assert_int_equal(outbox_count(outbox), count);
    /* What went out makes room, again and again. */
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "m%d", i);
        assert_true(outbox_remove(outbox, id));
        snprintf(id, sizeof id, "m%d", i + count);
        assert_int_equal(add(outbox, id, text, 0), ERR_OK);
    }
    free(text);
    outbox_free(outbox);
}

static void test_expiry(void **state)
{
    (void)state;
    outbox_t *outbox = outbox_new();
    message_t old;
    assert_false(outbox_expire(outbox, INT64_MAX, &old));
    add(outbox, "a", "first", 1000);
    add(outbox, "b", "second", 2000);
    assert_false(outbox_expire(outbox, 1000 + OUTBOX_MAX_AGE_US - 1, &old));
    assert_true(outbox_expire(outbox, 1000 + OUTBOX_MAX_AGE_US, &old));
    assert_string_equal(old.id, "a");
    assert_string_equal(old.text, "first");
    message_free(&old);
    assert_false(outbox_expire(outbox, 1000 + OUTBOX_MAX_AGE_US, &old));
    assert_holds(outbox, "b");
    assert_true(outbox_expire(outbox, 2000 + OUTBOX_MAX_AGE_US, &old));
    message_free(&old);
    assert_int_equal(outbox_count(outbox), 0);
    outbox_free(outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_marks),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_it_copies),
        cmocka_unit_test(test_removing_in_a_walk),
        cmocka_unit_test(test_limit_of_messages),
        cmocka_unit_test(test_limit_of_bytes),
        cmocka_unit_test(test_expiry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
