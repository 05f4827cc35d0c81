#include "thermometer/requests.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SENT_MAX = 1000 };

typedef struct {
    uv_loop_t loop;
    subscribers_t *subscribers;
    readings_t readings;
    requests_t *requests;
    int saves, reboots, gots;
    bool stored; /* what comes had waited */
    bool again;  /* the last answer may have been sent before */
    bool full;   /* the outbox takes nothing */
    char texts[SENT_MAX][256], ids[SENT_MAX][ID_SIZE], got[SENT_MAX][USERNAME_SIZE + ID_SIZE];
    int sent;
} world_t;

static void save(void *context)
{
    world_t *world = context;

    world->saves++;
}

static err_t send_answer(void *context, message_t *message, bool again)
{
    world_t *world = context;

    world->again = again;
    if (world->full)
        return ERR_BUSY;
    assert_true(world->sent < SENT_MAX);
    assert_int_equal(message->type, MESSAGE_NOTIFICATION);
    snprintf(world->texts[world->sent], sizeof(world->texts[0]), "%s: %s", message->destination,
             message->text);
    strcpy(world->ids[world->sent++], message->id);
    return ERR_OK;
}

static void say_got(void *context, const char *sender, const char *id)
{
    world_t *world = context;

    snprintf(world->got[world->gots++], sizeof(world->got[0]), "%s %s", sender, id);
}

static void reboot(void *context)
{
    world_t *world = context;

    world->reboots++;
}

static void on_subscriber(void *context, subscriber_t *subscriber)
{
    (void)context;
    assert_non_null(subscriber);
}

static const requests_events_t EVENTS = {save, send_answer, say_got, reboot, on_subscriber, on_subscriber};

static int set_up(void **state)
{
    world_t *world = calloc(1, sizeof(*world));

    uv_loop_init(&world->loop);
    world->subscribers = subscribers_new();
    world->requests = requests_new(&world->loop, world->subscribers, &world->readings, 100, &EVENTS, world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_t *world = *state;

    requests_close(world->requests);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    int failed = uv_loop_close(&world->loop);
    subscribers_free(world->subscribers);
    free(world);
    return failed;
}

static void say(world_t *world, const char *sender, const char *id, const char *text)
{
    message_t message;

    message_make(&message, sender, "thermometer1", text, strlen(text), MESSAGE_CHAT);
    strcpy(message.id, id);
    requests_add(world->requests, &message, world->stored);
    message_free(&message);
}

static void assert_sent(const world_t *world, int index, const char *begin)
{
    assert_true(index < world->sent);
    assert_memory_equal(world->texts[index], begin, strlen(begin));
}

static void receipt(world_t *world, int index, receipt_status_t status, const char *code)
{
    assert_true(requests_on_receipt(world->requests, world->ids[index], status, code));
}

static void test_answer_waits_for_disk_and_got_for_receipt(void **state)
{
    world_t *world = *state;

    say(world, "alice", "c1", "subscribe");
    assert_int_equal(world->saves, 1);
    assert_int_equal(world->sent, 0);
    /* What comes meanwhile keeps its place. */
    say(world, "alice", "c2", "range");
    say(world, "alice", "c3", "subscribe");
    say(world, "bob", "c1", "unsubscribe");
    assert_int_equal(world->sent, 0);
    requests_on_saved(world->requests, ERR_OK);
    assert_int_equal(world->saves, 1);
    assert_int_equal(world->sent, 4);
    assert_sent(world, 0, "alice: You are subscribed");
    assert_sent(world, 1, "alice: There is no reading yet");
    assert_sent(world, 2, "alice: You are already subscribed");
    assert_sent(world, 3, "bob: You are not subscribed");
    assert_int_equal(world->gots, 0);
    receipt(world, 1, RECEIPT_STORED, NULL);
    receipt(world, 0, RECEIPT_DELIVERED, NULL);
    assert_int_equal(world->gots, 2);
    assert_string_equal(world->got[0], "alice c2");
    assert_string_equal(world->got[1], "alice c1");
    assert_false(requests_on_receipt(world->requests, world->ids[0], RECEIPT_STORED, NULL));
    say(world, "bob", "c2", " Reboot");
    assert_int_equal(world->reboots, 1);
    assert_sent(world, 4, "bob: Rebooted");
}

/* The same command again, after a crash: the same answer under the same id, and nothing is done. */
static void test_repeat_after_restart(void **state)
{
    world_t *world = *state;

    say(world, "alice", "c1", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    say(world, "alice", "c2", "unsubscribe");
    requests_on_saved(world->requests, ERR_OK);
    assert_int_equal(world->sent, 2);

    requests_close(world->requests);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    world->requests = requests_new(&world->loop, world->subscribers, &world->readings, 100, &EVENTS, world);
    assert_false(world->again);
    world->stored = true;
    say(world, "alice", "c1", "subscribe");
    say(world, "alice", "c2", "unsubscribe");
    assert_true(world->again);
    assert_int_equal(world->saves, 2);
    assert_int_equal(world->sent, 4);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(world->texts[i], world->texts[i + 2]);
        assert_string_equal(world->ids[i], world->ids[i + 2]);
    }
    assert_null(subscribers_find(world->subscribers, "alice"));

    /* Never saved, but its first reading may be on its way. */
    say(world, "bob", "c1", "subscribe");
    assert_int_equal(subscribers_find(world->subscribers, "bob")->doubtful, SUBSCRIBERS_DOUBTFUL);
    world->stored = false;
    say(world, "carol", "c1", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    requests_on_saved(world->requests, ERR_OK);
    assert_int_equal(subscribers_find(world->subscribers, "carol")->doubtful, 0);
    assert_false(world->again);
}

/* What changed nothing then must not change anything when it comes again behind what did. */
static void test_repeat_of_what_changed_nothing(void **state)
{
    world_t *world = *state;

    say(world, "alice", "c1", "unsubscribe");
    say(world, "alice", "c2", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    say(world, "bob", "c1", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    say(world, "bob", "c2", "subscribe");
    say(world, "bob", "c3", "unsubscribe");
    requests_on_saved(world->requests, ERR_OK);

    requests_close(world->requests);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    world->requests = requests_new(&world->loop, world->subscribers, &world->readings, 100, &EVENTS, world);
    world->stored = true;
    int saves = world->saves;
    say(world, "alice", "c1", "unsubscribe");
    say(world, "alice", "c2", "subscribe");
    say(world, "bob", "c2", "subscribe");
    say(world, "bob", "c3", "unsubscribe");
    assert_int_equal(world->saves, saves);
    assert_non_null(subscribers_find(world->subscribers, "alice"));
    assert_null(subscribers_find(world->subscribers, "bob"));
}

static void test_disk_full(void **state)
{
    world_t *world = *state;

    say(world, "alice", "c1", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    subscriber_t *alice = subscribers_find(world->subscribers, "alice");
    alice->number = 7;

    /* One batch of everything: it goes to the disk after carol's. */
    say(world, "carol", "c1", "subscribe");
    say(world, "alice", "c2", "unsubscribe");
    say(world, "alice", "c3", "subscribe");
    say(world, "bob", "c1", "subscribe");
    say(world, "bob", "c2", "unsubscribe");
    say(world, "bob", "c3", "help");
    requests_on_saved(world->requests, ERR_OK);
    assert_int_equal(world->saves, 3);
    assert_ptr_not_equal(subscribers_find(world->subscribers, "alice"), alice);
    requests_on_saved(world->requests, ERR_DISK_FULL);
    for (int i = 2; i < 6; i++)
        assert_non_null(strstr(world->texts[i], "its disk is full"));
    assert_sent(world, 6, "bob: I am a thermometer");
    assert_ptr_equal(subscribers_find(world->subscribers, "alice"), alice);
    assert_int_equal(alice->number, 7);
    assert_null(subscribers_find(world->subscribers, "bob"));
    assert_non_null(subscribers_find(world->subscribers, "carol"));
    /* Said again it is a new try. */
    say(world, "bob", "c4", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    assert_sent(world, 7, "bob: You are subscribed");
}

static void test_refused_answers(void **state)
{
    world_t *world = *state;

    say(world, "alice", "c1", "help");
    receipt(world, 0, RECEIPT_REJECTED, "store_unavailable");
    assert_int_equal(world->gots, 0);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(world->sent, 2);
    assert_string_equal(world->ids[0], world->ids[1]);
    /* The mailbox is full: alice's own affair. */
    receipt(world, 1, RECEIPT_REJECTED, "mailbox_full");
    assert_int_equal(world->gots, 1);

    world->full = true;
    say(world, "alice", "c2", "help");
    assert_int_equal(world->sent, 2);
    world->full = false;
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(world->sent, 3);
}

static void test_few_are_active(void **state)
{
    world_t *world = *state;
    char id[ID_SIZE];

    for (int i = 0; i < REQUESTS_ACTIVE + 10; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        say(world, "alice", id, "help");
    }
    assert_int_equal(world->sent, REQUESTS_ACTIVE);
    for (int i = 0; i < REQUESTS_ACTIVE + 10; i++)
        receipt(world, i, RECEIPT_STORED, NULL);
    assert_int_equal(world->gots, REQUESTS_ACTIVE + 10);
}

static void test_all_places_taken(void **state)
{
    world_t *world = *state;
    char name[USERNAME_SIZE];

    for (int i = 0; i < SUBSCRIBERS_MAX; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        assert_non_null(subscribers_add(world->subscribers, name, "0123456789abcdef0123456789abcdef"));
    }
    say(world, "alice", "c1", "subscribe");
    assert_int_equal(world->saves, 0);
    assert_non_null(strstr(world->texts[0], "as many subscribers as it can serve"));
    char key[KEY_SIZE];
    key_make("alice", "c1", key);
    assert_false(subscribers_has_handled(world->subscribers, key));
    say(world, "user7", "c1", "unsubscribe");
    requests_on_saved(world->requests, ERR_OK);
    say(world, "alice", "c2", "subscribe");
    requests_on_saved(world->requests, ERR_OK);
    assert_sent(world, 2, "alice: You are subscribed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer_waits_for_disk_and_got_for_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeat_after_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeat_of_what_changed_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_few_are_active, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_places_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
