/* MongoDB alone: what the original left, what it may read, and a server that is away. */
#include "store_world.h"
#include <fcntl.h>
#include <mongoc/mongoc.h>

typedef struct {
    world_t *world;
    mongoc_client_t *client;
    mongoc_collection_t *messages;
} direct_t;

static int before_each(void **state)
{
    if (!world_has_mongo())
        return 0;
    direct_t *direct = alloc_new(direct_t);
    *state = direct;
    direct->world = world_new(true);
    world_store_open(direct->world);
    direct->client = mongoc_client_new(direct->world->url);
    direct->messages =
        mongoc_client_get_collection(direct->client, strrchr(direct->world->url, '/') + 1, "messages");
    return 0;
}

static int after_each(void **state)
{
    direct_t *direct = *state;
    if (direct == NULL)
        return 0;
    mongoc_collection_destroy(direct->messages);
    mongoc_client_destroy(direct->client);
    world_free(direct->world);
    free(direct);
    return 0;
}

#define NEED_MONGO(direct, state)                                                                            \
    direct_t *direct = *(state);                                                                             \
    if (direct == NULL)                                                                                      \
    skip()

static void insert_json(direct_t *direct, const char *json)
{
    bson_error_t error;
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);
    assert_non_null(document);
    assert_true(mongoc_collection_insert_one(direct->messages, document, NULL, NULL, &error));
    bson_destroy(document);
}

static bson_t *find_one(direct_t *direct, const char *key)
{
    const bson_t *document;
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(key));
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(direct->messages, filter, NULL, NULL);
    bson_t *copy = mongoc_cursor_next(cursor, &document) ? bson_copy(document) : NULL;
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    return copy;
}

static const char *text_field(const bson_t *document, const char *name)
{
    bson_iter_t iter;
    return bson_iter_init_find(&iter, document, name) && BSON_ITER_HOLDS_UTF8(&iter)
               ? bson_iter_utf8(&iter, NULL)
               : NULL;
}

static const char *const LEFT_BEHIND[] = {
    "{\"_id\":{\"$oid\":\"665000000000000000000001\"},\"sender\":\"alice\",\"destination\":\"bob\","
    "\"message\":\"first\","
    "\"timestamp\":\"2025-05-01T10:00:00.250000\",\"type\":\"chat\",\"metadata\":{\"a\":[1,2.5]},\"read\":"
    "false}",
    "{\"_id\":{\"$oid\":\"665000000000000000000002\"},\"sender\":\"alice\",\"destination\":\"bob\","
    "\"message\":\"seen\","
    "\"timestamp\":\"2025-05-01T10:00:01\",\"type\":\"chat\",\"metadata\":{},\"read\":true}",
    "{\"_id\":{\"$oid\":\"665000000000000000000003\"},\"sender\":\"no name!\",\"destination\":\"bob\","
    "\"message\":\"bell\\u0007\",\"timestamp\":{\"$date\":\"2025-05-01T10:00:02Z\"},\"type\":\"odd\"}",
    "{\"_id\":{\"$oid\":\"665000000000000000000004\"},\"sender\":\"carol\",\"destination\":\"dave\","
    "\"message\":\"x\","
    "\"timestamp\":\"2025-05-01T10:00:03\",\"type\":\"notification\",\"metadata\":null,\"read\":false}",
};

static void test_delivers_what_the_original_left(void **state)
{
    NEED_MONGO(direct, state);
    world_t *world = direct->world;
    for (size_t i = 0; i < sizeof LEFT_BEHIND / sizeof LEFT_BEHIND[0]; i++)
        insert_json(direct, LEFT_BEHIND[i]);
    put(world, "alice", "new", "bob", "new", "{}");
    int64_t epoch = claim(world, "bob");
    answer_t *answer = read_page(world, "bob", epoch, 0, 10);
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->count, 3);
    const message_t *first = &answer->entries[0].message, *second = &answer->entries[1].message;
    assert_string_equal(first->id, "665000000000000000000001");
    assert_string_equal(first->sender, "alice");
    assert_string_equal(first->text, "first");
    assert_string_equal(first->timestamp, "2025-05-01T10:00:00.250000+00:00");
    assert_string_equal(first->metadata, "{\"a\":[1,2.5]}");
    assert_string_equal(second->id, "665000000000000000000003");
    assert_string_equal(second->sender, "unknown");
    assert_true(text_is_message(second->text, second->text_length));
    assert_string_equal(second->timestamp, "2025-05-01T10:00:02.000000+00:00");
    assert_int_equal(second->type, MESSAGE_CHAT);
    assert_string_equal(answer->entries[2].message.id, "new");
    answer_free(answer);

    assert_int_equal(acknowledge(world, "dave", claim(world, "dave"), "alice", "665000000000000000000001"),
                     ERR_OK);
    assert_waiting(world, "bob", epoch, "665000000000000000000001 665000000000000000000003 new");
    assert_int_equal(acknowledge(world, "bob", epoch, "alice", "665000000000000000000001"), ERR_OK);
    world_store_reopen(world);
    assert_waiting(world, "bob", epoch, "665000000000000000000003 new");

    answer = read_everything(world, "bob");
    assert_int_equal(answer->count, 2);
    answer_free(answer);
    assert_waiting(world, "bob", epoch, "");
    answer = read_everything(world, "dave");
    assert_int_equal(answer->count, 1);
    assert_int_equal(answer->entries[0].message.type, MESSAGE_NOTIFICATION);
    answer_free(answer);
}

/* Left-behind messages count before anything is read. */
static void test_counts_what_the_original_left(void **state)
{
    NEED_MONGO(direct, state);
    world_t *world = direct->world;
    world->config.mailbox_messages = 3;
    world_store_reopen(world);
    insert_json(direct, LEFT_BEHIND[0]);
    insert_json(direct, LEFT_BEHIND[1]);
    insert_json(direct, LEFT_BEHIND[2]);
    assert_int_equal(put(world, "alice", "1", "bob", "x", "{}").status, STORE_STORED);
    assert_int_equal(put(world, "alice", "2", "bob", "x", "{}").status, STORE_REJECTED);
}

static void test_writes_what_the_original_reads(void **state)
{
    NEED_MONGO(direct, state);
    world_t *world = direct->world;
    bson_iter_t iter, inside;
    put(world, "alice", "1", "bob", "hello", "{\"n\":5,\"replaces\":\"0\"}");
    bson_t *document = find_one(direct, "alice:1");
    assert_non_null(document);
    assert_string_equal(text_field(document, "sender"), "alice");
    assert_string_equal(text_field(document, "destination"), "bob");
    assert_string_equal(text_field(document, "message"), "hello");
    assert_string_equal(text_field(document, "type"), "chat");
    assert_int_equal(strlen(text_field(document, "timestamp")), 32);
    assert_true(bson_iter_init_find(&iter, document, "read") && BSON_ITER_HOLDS_BOOL(&iter) &&
                !bson_iter_bool(&iter));
    assert_true(bson_iter_init(&iter, document) && bson_iter_find_descendant(&iter, "metadata.n", &inside));
    assert_int_equal(bson_iter_as_int64(&inside), 5);
    bson_destroy(document);

    acknowledge(world, "bob", claim(world, "bob"), "alice", "1");
    document = find_one(direct, "alice:1");
    assert_true(bson_iter_init_find(&iter, document, "read") && bson_iter_bool(&iter));
    assert_true(bson_iter_init_find(&iter, document, "is_read") && bson_iter_bool(&iter));
    assert_null(text_field(document, "message"));
    bson_destroy(document);
}

static void test_keeps_metadata_exactly(void **state)
{
    NEED_MONGO(direct, state);
    static const char *const KINDS[] = {
        "{\"$oid\":\"665000000000000000000001\"}",
        "{\"a.b\":1,\"\":2}",
        "{\"x\":{\"$date\":5}}",
        "{\"big\":9007199254740993,\"real\":1e300,\"list\":[{},[],null,true,\"\xe2\x9c\x93\"]}",
        "{\"replaces\":17}",
    };
    world_t *world = direct->world;
    int64_t epoch = claim(world, "bob");
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%zu", i);
        put(world, "alice", id, "bob", "x", KINDS[i]);
    }
    answer_t *answer = read_page(world, "bob", epoch, 0, 10);
    assert_int_equal(answer->count, sizeof KINDS / sizeof KINDS[0]);
    for (size_t i = 0; i < answer->count; i++)
        assert_string_equal(answer->entries[i].message.metadata, KINDS[i]);
    answer_free(answer);
}

/* --- without a server --- */

static void test_says_that_the_server_is_away(void **state)
{
    (void)state;
    world_t *world = world_new(false);
    world->log.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int descriptor = world->log.descriptor;
    world->config.mongo_url = "nonsense://";
    assert_int_equal(store_open(&world->loop, &world->config, &world->log, &world->store),
                     ERR_INVALID_SETTING);
    world->store = NULL;

    world->config.mongo_url = "mongodb://127.0.0.1:1/x"; /* nothing listens there */
    world_store_open(world);
    assert_string_equal(store_kind(world->store), "MongoDB");
    answer_t *answers[4];
    for (int i = 0; i < 4; i++)
        answers[i] = alloc_new(answer_t);
    message_t *message = alloc_new(message_t);
    *message = make_message("alice", "1", "bob", "x", "{}");
    assert_int_equal(store_put_batch(world->store, message, 1, on_put, answers[0]), ERR_OK);
    assert_int_equal(start_claim(world->store, "bob", answers[1]), ERR_OK);
    assert_int_equal(store_read(world->store, "bob", 1, 0, 10, on_page, answers[2]), ERR_OK);
    assert_int_equal(store_health(world->store, on_health, answers[3]), ERR_OK);
    for (int i = 0; i < 4; i++) {
        while (!answers[i]->called)
            uv_run(&world->loop, UV_RUN_ONCE);
        assert_int_equal(answers[i]->err, ERR_STORE_UNAVAILABLE);
    }
    assert_true(answers[3]->reason[0] != '\0');
    for (int i = 0; i < 4; i++)
        answer_free(answers[i]);
    world_free(world);
    close(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivers_what_the_original_left, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_counts_what_the_original_left, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_writes_what_the_original_reads, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_keeps_metadata_exactly, before_each, after_each),
        cmocka_unit_test(test_says_that_the_server_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
