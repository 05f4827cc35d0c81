#include "common/hash.h"
#include "thermometer/feed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    subscribers_t *subscribers;
    feed_t *feed;
    bool online;
    message_t sent[1000]; /* not yet acknowledged or looked at, oldest first */
    size_t count;
    bool again; /* of the last sent */
} world_t;

static bool send_one(void *context, message_t *message, bool again)
{
    world_t *world = context;

    world->again = again;
    if (!world->online)
        return false;
    assert_true(world->count < 1000);
    message_t *copy = &world->sent[world->count++];
    message_make(copy, "", message->destination, message->text, message->text_length, message->type);
    message_set_metadata(copy, message->metadata);
    memcpy(copy->id, message->id, sizeof(copy->id));
    return true;
}

static int set_up(void **state)
{
    world_t *world = calloc(1, sizeof(*world));

    world->online = true;
    world->subscribers = subscribers_new();
    world->feed = feed_new(world->subscribers, send_one, world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_t *world = *state;

    for (size_t i = 0; i < world->count; i++)
        message_free(&world->sent[i]);
    feed_free(world->feed);
    subscribers_free(world->subscribers);
    free(world);
    return 0;
}

static subscriber_t *add(world_t *world, int number)
{
    char name[USERNAME_SIZE], key[KEY_SIZE];

    snprintf(name, sizeof(name), "user%d", number);
    snprintf(key, sizeof(key), "%032d", number);
    return subscribers_add(world->subscribers, name, key);
}

static void offer(world_t *world, double celsius)
{
    reading_t reading = {celsius, 1795366899123456, "test"};

    feed_offer(world->feed, &reading);
}

/* The oldest one's receipt comes. */
static void acknowledge(world_t *world, receipt_status_t status)
{
    char id[ID_SIZE];

    assert_true(world->count > 0);
    strcpy(id, world->sent[0].id);
    message_free(&world->sent[0]);
    memmove(&world->sent[0], &world->sent[1], --world->count * sizeof(world->sent[0]));
    assert_true(feed_on_receipt(world->feed, id, status));
    assert_false(feed_on_receipt(world->feed, id, status));
}

static void assert_replaces(const message_t *message, const char *key, int64_t number)
{
    char id[ID_SIZE], expected[ID_SIZE + 20];

    key_reading_id(key, number, id);
    snprintf(expected, sizeof(expected), "\"replaces\":\"%s\"", id);
    if (number > 0)
        assert_non_null(strstr(message->metadata, expected));
    else
        assert_null(strstr(message->metadata, "replaces"));
}

static void test_replaces_the_twentieth_last(void **state)
{
    world_t *world = *state;
    subscriber_t *one = add(world, 1);
    char id[ID_SIZE];

    for (int i = 1; i <= 30; i++) {
        offer(world, i);
        assert_int_equal(world->count, 1);
        assert_int_equal(world->sent[0].type, MESSAGE_SUBSCRIPTION);
        key_reading_id(one->key, i, id);
        assert_string_equal(world->sent[0].id, id);
        assert_replaces(&world->sent[0], one->key, i > 20 ? i - 20 : 0);
        acknowledge(world, i % 2 ? RECEIPT_STORED : RECEIPT_DELIVERED);
    }
    /* A refused one replaced nothing. */
    offer(world, 31);
    acknowledge(world, RECEIPT_REJECTED);
    offer(world, 32);
    assert_replaces(&world->sent[0], one->key, 11);
    key_reading_id(one->key, 32, id);
    assert_string_equal(world->sent[0].id, id);
}

/* Every subscriber gets a reading once, a window at a time. */
static void test_window(void **state)
{
    world_t *world = *state;
    hash_t *seen = hash_new();

    for (int i = 0; i < 500; i++)
        add(world, i);
    offer(world, 1);
    assert_int_equal(world->count, FEED_WINDOW);
    for (int i = 0; i < 500; i++) {
        assert_null(hash_put(seen, world->sent[0].destination, world));
        acknowledge(world, RECEIPT_STORED);
    }
    assert_int_equal(world->count, 0);
    feed_pump(world->feed);
    assert_int_equal(world->count, 0);
    hash_free(seen);
}

/* Who was not reached gets the newer reading first; nobody is left out twice. */
static void test_overtaken(void **state)
{
    world_t *world = *state;
    const int users = FEED_WINDOW + 10;

    for (int i = 0; i < users; i++)
        add(world, i);
    offer(world, 1);
    offer(world, 2);
    for (int i = 0; i < FEED_WINDOW; i++)
        acknowledge(world, RECEIPT_STORED);
    /* The ten, and whoever had acknowledged before their turn came again. */
    assert_true(world->count >= 10);
    for (int i = 0; i < 10; i++) {
        assert_non_null(strstr(world->sent[i].text, "2.0"));
        subscriber_t *one = subscribers_find(world->subscribers, world->sent[i].destination);
        assert_int_equal(one->number, 0);
    }
    while (world->count > 0)
        acknowledge(world, RECEIPT_STORED);
    offer(world, 3);
    assert_int_equal(world->count, FEED_WINDOW);
}

static void test_offline(void **state)
{
    world_t *world = *state;

    add(world, 1);
    world->online = false;
    offer(world, 1);
    offer(world, 2);
    assert_int_equal(world->count, 0);
    world->online = true;
    feed_pump(world->feed);
    assert_int_equal(world->count, 1);
    assert_non_null(strstr(world->sent[0].text, "2.0"));
    /* One on its way is enough. */
    offer(world, 3);
    assert_int_equal(world->count, 1);
}

static void test_leaves_while_in_flight(void **state)
{
    world_t *world = *state;
    subscriber_t *one = add(world, 1);

    offer(world, 1);
    feed_forget(world->feed, one);
    subscribers_remove(world->subscribers, one);
    free(one);
    assert_false(feed_on_receipt(world->feed, world->sent[0].id, RECEIPT_STORED));
    /* Who comes now waits for the next reading. */
    feed_skip(world->feed, add(world, 2));
    feed_pump(world->feed);
    assert_int_equal(world->count, 1);
    offer(world, 2);
    assert_int_equal(world->count, 2);
}

/* After a crash the first readings may have been sent before. */
static void test_doubtful_after_a_restart(void **state)
{
    world_t *world = *state;
    buffer_t saved;

    add(world, 1);
    offer(world, 1);
    assert_false(world->again);
    assert_false(feed_is_idle(world->feed));
    acknowledge(world, RECEIPT_STORED);
    assert_true(feed_is_idle(world->feed));

    buffer_init(&saved, 0);
    assert_int_equal(subscribers_write(world->subscribers, &saved), ERR_OK);
    feed_free(world->feed);
    subscribers_free(world->subscribers);
    world->subscribers = subscribers_new();
    world->feed = feed_new(world->subscribers, send_one, world);
    assert_int_equal(subscribers_read(world->subscribers, buffer_text(&saved), saved.length), ERR_OK);
    buffer_free(&saved);
    for (int i = 0; i < 5; i++) {
        offer(world, 2 + i);
        assert_int_equal(world->again, i < SUBSCRIBERS_DOUBTFUL);
        acknowledge(world, i == 1 ? RECEIPT_REJECTED : RECEIPT_STORED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replaces_the_twentieth_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overtaken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_offline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doubtful_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaves_while_in_flight, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
