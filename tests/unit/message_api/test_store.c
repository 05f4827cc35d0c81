/* What every store does: on SQLite always, on MongoDB when P2P_TEST_MONGO_URL names a server. */
#include "store_world.h"

static int with_sqlite(void **state)
{
    world_t *world = world_new(false);
    *state = world;
    world_store_open(world);
    return 0;
}

static int with_mongo(void **state)
{
    world_t *world = world_new(true);
    *state = world;
    world_store_open(world);
    return 0;
}

static int without(void **state)
{
    world_free(*state);
    return 0;
}

static void assert_result(store_result_t result, store_status_t status, err_t err)
{
    assert_int_equal(result.status, status);
    assert_int_equal(result.err, err);
}

/* --- storing and reading --- */

static void test_gives_back_what_was_stored(void **state)
{
    world_t *world = *state;
    message_t messages[3] = {
        make_message("alice", "a-1", "bob", "first\n\tline \xc3\xa9\xe2\x9c\x93", "{\"n\":1}"),
        make_message("j\xc3\xbcrgen", "a-1", "bob", "same id, another sender", "{}"),
        make_message("alice", "a_2", "carol", "x", "{}"),
    };
    messages[1].type = MESSAGE_SUBSCRIPTION;
    char timestamp[TIMESTAMP_SIZE];
    strcpy(timestamp, messages[0].timestamp);
    answer_t *answer = put_all(world, messages, 3);
    assert_int_equal(answer->err, ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_result(answer->results[i], STORE_STORED, ERR_OK);
    answer_free(answer);

    int64_t epoch = claim(world, "bob");
    answer = read_page(world, "bob", epoch, 0, 10);
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->count, 2);
    assert_false(answer->more);
    const message_t *first = &answer->entries[0].message, *second = &answer->entries[1].message;
    assert_string_equal(first->sender, "alice");
    assert_string_equal(first->id, "a-1");
    assert_string_equal(first->destination, "bob");
    assert_string_equal(first->text, "first\n\tline \xc3\xa9\xe2\x9c\x93");
    assert_string_equal(first->metadata, "{\"n\":1}");
    assert_string_equal(first->timestamp, timestamp);
    assert_int_equal(first->type, MESSAGE_CHAT);
    assert_string_equal(second->sender, "j\xc3\xbcrgen");
    assert_int_equal(second->type, MESSAGE_SUBSCRIPTION);
    assert_true(answer->entries[0].seq < answer->entries[1].seq);
    answer_free(answer);
}

static void test_reads_page_by_page(void **state)
{
    world_t *world = *state;
    message_t messages[STORE_MAX_PUT];
    for (int i = 0; i < STORE_MAX_PUT; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        messages[i] = make_message("alice", id, "bob", id, "{}");
    }
    answer_free(put_all(world, messages, STORE_MAX_PUT));
    int64_t epoch = claim(world, "bob"), after = 0;
    int seen = 0;
    bool more = true;
    while (more) {
        answer_t *answer = read_page(world, "bob", epoch, after, 100);
        assert_int_equal(answer->err, ERR_OK);
        assert_true(answer->count > 0 && answer->count <= 100);
        for (size_t i = 0; i < answer->count; i++) {
            char id[16];
            snprintf(id, sizeof id, "m%d", seen++);
            assert_string_equal(answer->entries[i].message.id, id);
            assert_true(answer->entries[i].seq > after);
            after = answer->entries[i].seq;
        }
        more = answer->more;
        answer_free(answer);
    }
    assert_int_equal(seen, STORE_MAX_PUT);
    answer_t *answer = read_page(world, "bob", epoch, after, 100);
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->count, 0);
    answer_free(answer);
}

/* 80 messages of 16 KiB are more than a page of 1 MiB. */
static void test_bounds_a_page_by_bytes(void **state)
{
    world_t *world = *state;
    char *text = alloc_zero(16385, 1);
    memset(text, 'x', 16384);
    message_t messages[80];
    for (int i = 0; i < 80; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        messages[i] = make_message("alice", id, "bob", text, "{}");
    }
    answer_free(put_all(world, messages, 80));
    answer_t *answer = read_page(world, "bob", claim(world, "bob"), 0, 256);
    assert_true(answer->more);
    assert_in_range(answer->count, 50, 70);
    answer_free(answer);
    free(text);
}

static void test_knows_what_it_has(void **state)
{
    world_t *world = *state;
    message_t twice[2] = {make_message("alice", "1", "bob", "one", "{}"),
                          make_message("alice", "1", "bob", "one again", "{}")};
    answer_t *answer = put_all(world, twice, 2);
    assert_result(answer->results[0], STORE_STORED, ERR_OK);
    assert_result(answer->results[1], STORE_DUPLICATE, ERR_OK);
    answer_free(answer);
    assert_result(put(world, "alice", "1", "bob", "one", "{}"), STORE_DUPLICATE, ERR_OK);
    /* The key is the sender and the id, wherever the message goes. */
    assert_result(put(world, "alice", "1", "carol", "one", "{}"), STORE_DUPLICATE, ERR_OK);
    assert_result(put(world, "dave", "1", "bob", "one", "{}"), STORE_STORED, ERR_OK);

    int64_t epoch = claim(world, "bob");
    assert_int_equal(acknowledge(world, "bob", epoch, "alice", "1"), ERR_OK);
    assert_result(put(world, "alice", "1", "bob", "one", "{}"), STORE_DUPLICATE, ERR_OK);
    world_store_reopen(world);
    assert_result(put(world, "alice", "1", "bob", "one", "{}"), STORE_DUPLICATE, ERR_OK);
    assert_int_equal(claim(world, "carol"), 1);
    assert_waiting(world, "carol", 1, "");
}

/* --- owners --- */

static void test_has_one_owner_at_a_time(void **state)
{
    world_t *world = *state;
    answer_t *answer = read_page(world, "bob", 0, 0, 10);
    assert_int_equal(answer->err, ERR_STALE_EPOCH); /* nobody's */
    answer_free(answer);
    put(world, "alice", "1", "bob", "one", "{}");
    assert_int_equal(acknowledge(world, "bob", 0, "alice", "1"), ERR_STALE_EPOCH);
    assert_int_equal(claim(world, "bob"), 1);
    assert_int_equal(claim(world, "bob"), 2);
    assert_int_equal(claim(world, "Bob"), 1); /* another mailbox */

    for (int64_t wrong = 1; wrong <= 3; wrong += 2) {
        answer = read_page(world, "bob", wrong, 0, 10);
        assert_int_equal(answer->err, ERR_STALE_EPOCH);
        assert_int_equal(answer->count, 0);
        answer_free(answer);
        assert_int_equal(acknowledge(world, "bob", wrong, "alice", "1"), ERR_STALE_EPOCH);
    }
    assert_waiting(world, "bob", 2, "1");
    world_store_reopen(world);
    assert_waiting(world, "bob", 2, "1");
    assert_int_equal(claim(world, "bob"), 3);
}

static void on_claims(void *context, err_t err, const store_claim_t *claims, size_t count)
{
    answer_t *answer = context;
    begin_answer(answer, err);
    assert_int_equal(count, 3);
    assert_string_equal(claims[0].username, "bob");
    assert_int_equal(claims[0].epoch, 2);
    assert_true(claims[0].waiting);
    assert_string_equal(claims[1].username, "carol");
    assert_int_equal(claims[1].epoch, 1);
    assert_false(claims[1].waiting); /* all was acknowledged */
    assert_string_equal(claims[2].username, "dave");
    assert_int_equal(claims[2].epoch, 1);
    assert_false(claims[2].waiting);
}

static void test_claims_many_at_once(void **state)
{
    static const char *const names[] = {"bob", "carol", "dave"};
    world_t *world = *state;
    put(world, "alice", "1", "bob", "one", "{}");
    put(world, "alice", "2", "carol", "two", "{}");
    assert_int_equal(acknowledge(world, "carol", STORE_ANY_EPOCH, "alice", "2"), ERR_OK);
    assert_int_equal(claim(world, "bob"), 1);

    store_claim_t *claims = alloc_zero(3, sizeof claims[0]);
    for (size_t i = 0; i < 3; i++)
        snprintf(claims[i].username, sizeof claims[i].username, "%s", names[i]);
    answer_t *answer = alloc_new(answer_t);
    assert_int_equal(store_claim(world->store, claims, 3, on_claims, answer), ERR_OK);
    answer_wait(world, answer);
    assert_int_equal(answer->err, ERR_OK);
    answer_free(answer);
    assert_waiting(world, "bob", 2, "1");
}

/* --- acknowledging --- */

static void test_acknowledges_by_key(void **state)
{
    world_t *world = *state;
    put(world, "alice", "1", "bob", "one", "{}");
    put(world, "alice", "2", "bob", "two", "{}");
    put(world, "alice", "3", "carol", "three", "{}");
    int64_t bob = claim(world, "bob"), carol = claim(world, "carol");
    assert_int_equal(acknowledge(world, "bob", bob, "alice", "unknown"), ERR_OK);
    assert_int_equal(acknowledge(world, "bob", bob, "alice", "3"), ERR_OK); /* not bob's */
    assert_int_equal(acknowledge(world, "bob", bob, "mallory", "1"), ERR_OK);
    assert_waiting(world, "bob", bob, "1 2");
    assert_waiting(world, "carol", carol, "3");

    store_acknowledgement_t both[3] = {make_acknowledgement("bob", bob, "alice", "1"),
                                       make_acknowledgement("carol", carol + 1, "alice", "3"),
                                       make_acknowledgement("bob", bob, "alice", "1")};
    answer_t *answer = acknowledge_all(world, both, 3);
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->mailbox_results[0], ERR_OK);
    assert_int_equal(answer->mailbox_results[1], ERR_STALE_EPOCH);
    assert_int_equal(answer->mailbox_results[2], ERR_OK);
    answer_free(answer);
    assert_waiting(world, "bob", bob, "2");
    assert_waiting(world, "carol", carol, "3");
    world_store_reopen(world);
    assert_waiting(world, "bob", bob, "2");
}

/* --- limits --- */

static void test_refuses_for_a_full_mailbox_only(void **state)
{
    world_t *world = *state;
    world->config.mailbox_messages = 2;
    world_store_reopen(world);
    message_t messages[5] = {
        make_message("alice", "1", "bob", "one", "{}"),   make_message("alice", "2", "bob", "two", "{}"),
        make_message("alice", "3", "bob", "three", "{}"), make_message("alice", "4", "carol", "four", "{}"),
        make_message("alice", "1", "bob", "one", "{}"),
    };
    answer_t *answer = put_all(world, messages, 5);
    assert_int_equal(answer->err, ERR_OK);
    assert_result(answer->results[0], STORE_STORED, ERR_OK);
    assert_result(answer->results[1], STORE_STORED, ERR_OK);
    assert_result(answer->results[2], STORE_REJECTED, ERR_MAILBOX_FULL);
    assert_result(answer->results[3], STORE_STORED, ERR_OK);
    assert_result(answer->results[4], STORE_DUPLICATE, ERR_OK);
    answer_free(answer);

    world_store_reopen(world);
    assert_result(put(world, "alice", "3", "bob", "three", "{}"), STORE_REJECTED, ERR_MAILBOX_FULL);
    int64_t epoch = claim(world, "bob");
    acknowledge(world, "bob", epoch, "alice", "1");
    acknowledge(world, "bob", epoch, "alice", "1"); /* counts once */
    assert_result(put(world, "alice", "3", "bob", "three", "{}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "alice", "5", "bob", "five", "{}"), STORE_REJECTED, ERR_MAILBOX_FULL);
    answer_free(read_everything(world, "bob"));
    assert_result(put(world, "alice", "5", "bob", "five", "{}"), STORE_STORED, ERR_OK);
    assert_waiting(world, "bob", epoch, "5");
}

static void test_counts_a_mailboxs_bytes(void **state)
{
    world_t *world = *state;
    world->config.mailbox_bytes = 20;
    world_store_reopen(world);
    assert_result(put(world, "alice", "1", "bob", "12345678", "{}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "alice", "2", "bob", "123456789", "{}"), STORE_REJECTED, ERR_MAILBOX_FULL);
    assert_result(put(world, "alice", "2", "bob", "12345678", "{}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "alice", "3", "bob", "", "{}"), STORE_REJECTED, ERR_MAILBOX_FULL);
    int64_t epoch = claim(world, "bob");
    acknowledge(world, "bob", epoch, "alice", "1");
    assert_result(put(world, "alice", "3", "bob", "12345678", "{}"), STORE_STORED, ERR_OK);
}

static void test_replaces(void **state)
{
    world_t *world = *state;
    world->config.mailbox_messages = 2;
    world_store_reopen(world);
    put(world, "sensor", "1", "bob", "20.1", "{}");
    put(world, "sensor", "2", "bob", "20.2", "{}");
    assert_result(put(world, "sensor", "3", "bob", "20.3", "{\"replaces\":\"1\"}"), STORE_STORED, ERR_OK);
    int64_t epoch = claim(world, "bob");
    assert_waiting(world, "bob", epoch, "2 3");
    /* Not a second time, not another sender's, not in another mailbox, not what is gone, not nonsense. */
    assert_result(put(world, "sensor", "3", "bob", "20.3", "{\"replaces\":\"1\"}"), STORE_DUPLICATE, ERR_OK);
    assert_result(put(world, "mallory", "4", "bob", "x", "{\"replaces\":\"2\"}"), STORE_REJECTED,
                  ERR_MAILBOX_FULL);
    assert_result(put(world, "sensor", "4", "bob", "x", "{\"replaces\":\"1\"}"), STORE_REJECTED,
                  ERR_MAILBOX_FULL);
    assert_result(put(world, "sensor", "5", "carol", "x", "{\"replaces\":\"2\"}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "sensor", "6", "carol", "x", "{\"replaces\":{\"2\":[\"replaces\"]}}"),
                  STORE_STORED, ERR_OK);
    assert_waiting(world, "bob", epoch, "2 3");
    /* Within one batch too. */
    message_t chain[2] = {make_message("sensor", "7", "bob", "20.4", "{\"replaces\":\"2\"}"),
                          make_message("sensor", "8", "bob", "20.5", "{\"replaces\":\"7\"}")};
    answer_free(put_all(world, chain, 2));
    assert_waiting(world, "bob", epoch, "3 8");
}

/* --- the original's GET --- */

static void test_reads_all_and_forgets(void **state)
{
    world_t *world = *state;
    for (int batch = 0; batch < 5; batch++) {
        message_t messages[201];
        for (int i = 0; i < 201; i++) {
            char id[16];
            snprintf(id, sizeof id, "m%d", batch * 201 + i);
            messages[i] = make_message("alice", id, "bob", id, "{}");
        }
        answer_free(put_all(world, messages, 201));
    }
    int64_t epoch = claim(world, "bob");
    answer_free(look_at_everything(world, "bob")); /* alone it changes nothing */
    answer_t *answer = read_everything(world, "bob");
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->count, STORE_MAX_READ_ALL);
    assert_true(answer->more);
    for (int i = 0; i < STORE_MAX_READ_ALL; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        assert_string_equal(answer->entries[i].message.id, id);
    }
    answer_free(answer);
    assert_waiting(world, "bob", epoch, "m1000 m1001 m1002 m1003 m1004");
    answer = read_everything(world, "bob");
    assert_int_equal(answer->count, 5);
    assert_false(answer->more);
    answer_free(answer);
    answer = read_everything(world, "nobody");
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->count, 0);
    answer_free(answer);
    assert_result(put(world, "alice", "m3", "bob", "again", "{}"), STORE_DUPLICATE, ERR_OK);
}

/* --- many at once --- */

enum { WRITERS = 300 };

static void test_keeps_order_with_many_in_flight(void **state)
{
    world_t *world = *state;
    answer_t *answers[WRITERS];
    int64_t epoch = claim(world, "bob");
    for (int i = 0; i < WRITERS; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        message_t *messages = alloc_new(message_t);
        *messages = make_message("alice", id, "bob", id, "{}");
        answers[i] = alloc_new(answer_t);
        assert_int_equal(store_put_batch(world->store, messages, 1, on_put, answers[i]), ERR_OK);
        assert_false(answers[i]->called);
        if (i % 20 == 0) { /* readers and owners in between */
            answer_free(read_page(world, "bob", epoch, 0, 10));
            epoch = claim(world, "bob");
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        while (!answers[i]->called)
            uv_run(&world->loop, UV_RUN_ONCE);
        assert_int_equal(answers[i]->err, ERR_OK);
        assert_result(answers[i]->results[0], STORE_STORED, ERR_OK);
        answer_free(answers[i]);
    }
    answer_t *all = read_everything(world, "bob");
    assert_int_equal(all->count, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        assert_string_equal(all->entries[i].message.id, id);
    }
    answer_free(all);
}

/* --- the queue --- */

static void test_says_busy_and_closed(void **state)
{
    world_t *world = *state;
    world->config.queue_requests = 2;
    world_store_reopen(world);
    answer_t *answers[2] = {alloc_new(answer_t), alloc_new(answer_t)};
    message_t *message = alloc_new(message_t);
    *message = make_message("alice", "1", "bob", "one", "{}");
    assert_int_equal(store_put_batch(world->store, message, 1, on_put, answers[0]), ERR_OK);
    assert_int_equal(start_claim(world->store, "bob", answers[1]), ERR_OK);
    message_t *kept = alloc_new(message_t);
    *kept = make_message("alice", "2", "bob", "two", "{}");
    assert_int_equal(store_put_batch(world->store, kept, 1, on_put, NULL), ERR_BUSY);

    /* What waits is still done, and answered before the store is gone. */
    bool closed = false;
    store_close(world->store, on_world_store_closed, &closed);
    assert_int_equal(store_put_batch(world->store, kept, 1, on_put, NULL), ERR_CLOSED);
    message_free(kept);
    free(kept);
    assert_false(answers[0]->called || answers[1]->called);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(closed && answers[0]->called && answers[1]->called);
    assert_int_equal(answers[0]->err, ERR_OK);
    assert_int_equal(answers[1]->err, ERR_OK);
    world->config.queue_requests = 0;
    world_store_open(world);
    assert_waiting(world, "bob", answers[1]->epoch, "1");
    answer_free(answers[0]);
    answer_free(answers[1]);
}

/* --- received before it was stored --- */

static void test_remembers_keys(void **state)
{
    world_t *world = *state;
    assert_result(put(world, "alice", "waits", "bob", "one", "{}"), STORE_STORED, ERR_OK);
    answer_t *answer = remember(world, "alice", "new waits new other");
    assert_int_equal(answer->err, ERR_OK);
    assert_result(answer->results[0], STORE_STORED, ERR_OK);
    assert_result(answer->results[1], STORE_DUPLICATE, ERR_OK);
    assert_result(answer->results[2], STORE_DUPLICATE, ERR_OK);
    assert_result(answer->results[3], STORE_STORED, ERR_OK);
    answer_free(answer);

    int64_t epoch = claim(world, "bob");
    assert_waiting(world, "bob", epoch, "waits");
    assert_int_equal(acknowledge(world, "bob", epoch, "alice", "new"), ERR_OK);
    assert_result(put(world, "alice", "new", "bob", "again", "{}"), STORE_DUPLICATE, ERR_OK);
    assert_result(put(world, "alice", "new", "carol", "again", "{}"), STORE_DUPLICATE, ERR_OK);
    assert_result(put(world, "dave", "new", "bob", "another's", "{}"), STORE_STORED, ERR_OK);
    assert_waiting(world, "bob", epoch, "waits new");
    assert_int_equal(acknowledge(world, "bob", epoch, "alice", "waits"), ERR_OK);
    answer = remember(world, "alice", "waits");
    assert_result(answer->results[0], STORE_DUPLICATE, ERR_OK);
    answer_free(answer);
    world_store_close(world);
    world_store_open(world);
    assert_result(put(world, "alice", "other", "bob", "again", "{}"), STORE_DUPLICATE, ERR_OK);
}

/* More than one step of the purge, of two senders, and one that is young. */
static void test_forgets_old_received_keys(void **state)
{
    enum { MANY = BACKEND_PURGE_STEP * 2 };
    world_t *world = *state;
    bool mongo = world->url[0] != '\0';
    answer_t *answer = alloc_new(answer_t);
    store_key_t *keys = alloc_zero(MANY, sizeof keys[0]);
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i].sender, USERNAME_SIZE, "%s", i < 600 ? "alice" : "bob");
        snprintf(keys[i].id, ID_SIZE, "m%d", i);
    }
    assert_int_equal(store_remember(world->store, keys, MANY, on_put, answer), ERR_OK);
    answer_wait(world, answer);
    assert_int_equal(answer->err, ERR_OK);
    answer_free(answer);
    world_store_close(world);
    int64_t written = timestamp_now(), before;
    do /* MongoDB's times are whole milliseconds */
        before = timestamp_now();
    while (before / 1000 <= written / 1000);
    world_store_open(world);
    answer_free(remember(world, "alice", "young"));
    world_store_close(world);

    const store_backend_t *backend = mongo ? &store_mongo_backend : &store_sqlite_backend;
    void *backend_state;
    assert_int_equal(backend->open(&world->config, &world->log, &backend_state), ERR_OK);
    while (backend->purge(backend_state, before))
        ;
    backend->close(backend_state);
    world_store_open(world);
    assert_result(put(world, "alice", "young", "bob", "x", "{}"), STORE_DUPLICATE, ERR_OK);
    assert_result(put(world, "alice", "m0", "bob", "x", "{}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "alice", "m599", "bob", "x", "{}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "bob", "m600", "bob", "x", "{}"), STORE_STORED, ERR_OK);
    assert_result(put(world, "bob", "m999", "bob", "x", "{}"), STORE_STORED, ERR_OK);
}

static void test_is_healthy(void **state)
{
    answer_t *answer = health(*state);
    assert_int_equal(answer->err, ERR_OK);
    assert_string_equal(answer->reason, "");
    answer_free(answer);
}

/* --- tombstones --- */

static void test_forgets_old_keys(void **state)
{
    world_t *world = *state;
    bool mongo = world->url[0] != '\0';
    put(world, "alice", "waits", "bob", "x", "{}");
    put(world, "alice", "done", "bob", "x", "{}");
    int64_t epoch = claim(world, "bob");
    acknowledge(world, "bob", epoch, "alice", "done");
    world_store_close(world);

    const store_backend_t *backend = mongo ? &store_mongo_backend : &store_sqlite_backend;
    void *backend_state;
    assert_int_equal(backend->open(&world->config, &world->log, &backend_state), ERR_OK);
    int64_t now = timestamp_now();
    assert_false(backend->purge(backend_state, now - INT64_C(60000000)));
    backend->close(backend_state);
    world_store_open(world);
    assert_result(put(world, "alice", "done", "bob", "x", "{}"), STORE_DUPLICATE, ERR_OK);
    world_store_close(world);

    assert_int_equal(backend->open(&world->config, &world->log, &backend_state), ERR_OK);
    assert_false(backend->purge(backend_state, now + INT64_C(60000000)));
    backend->close(backend_state);
    world_store_open(world);
    assert_result(put(world, "alice", "waits", "bob", "x", "{}"), STORE_DUPLICATE, ERR_OK);
    assert_waiting(world, "bob", epoch, "waits");
    assert_result(put(world, "alice", "done", "bob", "x", "{}"), STORE_STORED, ERR_OK);
    assert_waiting(world, "bob", epoch, "waits done");
}

#define TESTS(setup)                                                                                         \
    cmocka_unit_test_setup_teardown(test_gives_back_what_was_stored, setup, without),                        \
        cmocka_unit_test_setup_teardown(test_reads_page_by_page, setup, without),                            \
        cmocka_unit_test_setup_teardown(test_bounds_a_page_by_bytes, setup, without),                        \
        cmocka_unit_test_setup_teardown(test_knows_what_it_has, setup, without),                             \
        cmocka_unit_test_setup_teardown(test_has_one_owner_at_a_time, setup, without),                       \
        cmocka_unit_test_setup_teardown(test_claims_many_at_once, setup, without),                           \
        cmocka_unit_test_setup_teardown(test_acknowledges_by_key, setup, without),                           \
        cmocka_unit_test_setup_teardown(test_refuses_for_a_full_mailbox_only, setup, without),               \
        cmocka_unit_test_setup_teardown(test_counts_a_mailboxs_bytes, setup, without),                       \
        cmocka_unit_test_setup_teardown(test_replaces, setup, without),                                      \
        cmocka_unit_test_setup_teardown(test_reads_all_and_forgets, setup, without),                         \
        cmocka_unit_test_setup_teardown(test_keeps_order_with_many_in_flight, setup, without),               \
        cmocka_unit_test_setup_teardown(test_says_busy_and_closed, setup, without),                          \
        cmocka_unit_test_setup_teardown(test_remembers_keys, setup, without),                                \
        cmocka_unit_test_setup_teardown(test_forgets_old_received_keys, setup, without),                     \
        cmocka_unit_test_setup_teardown(test_is_healthy, setup, without),                                    \
        cmocka_unit_test_setup_teardown(test_forgets_old_keys, setup, without)

int main(void)
{
    const struct CMUnitTest sqlite[] = {TESTS(with_sqlite)};
    const struct CMUnitTest mongo[] = {TESTS(with_mongo)};
    int failures = cmocka_run_group_tests_name("store on SQLite", sqlite, NULL, NULL);
    if (world_has_mongo())
        failures += cmocka_run_group_tests_name("store on MongoDB", mongo, NULL, NULL);
    return failures;
}
