/* A store in a folder (or MongoDB database) of its own, and its calls made to wait for their answers. */
#ifndef P2P_TEST_STORE_WORLD_H
#define P2P_TEST_STORE_WORLD_H
#include "common/alloc.h"
#include "common/text.h"
#include "message_api/store_backend.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    uv_loop_t loop;
    log_t log;
    store_config_t config;
    store_t *store;
    char folder[64];
    char database[128];
    char url[256]; /* "" = SQLite */
} world_t;

/* --- the world --- */

static inline bool world_has_mongo(void)
{
    const char *url = getenv("P2P_TEST_MONGO_URL");
    return url != NULL && url[0] != '\0';
}

static inline void world_store_open(world_t *world)
{
    assert_int_equal(store_open(&world->loop, &world->config, &world->log, &world->store), ERR_OK);
}

static inline void on_world_store_closed(void *context, bool clean)
{
    assert_true(clean);
    *(bool *)context = true;
}

static inline void world_store_close(world_t *world)
{
    bool closed = false;
    store_close(world->store, on_world_store_closed, &closed);
    assert_false(closed);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_true(closed);
    world->store = NULL;
}

static inline void world_store_reopen(world_t *world)
{
    world_store_close(world);
    world_store_open(world);
}

static inline world_t *world_new(bool mongo)
{
    static unsigned number;
    world_t *world = alloc_new(world_t);
    log_init(&world->log, "test", LOG_ERROR);
    uv_loop_init(&world->loop);
    snprintf(world->folder, sizeof world->folder, "/tmp/p2p-store-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->database, sizeof world->database, "%s/data/messages.db", world->folder);
    if (mongo)
        snprintf(world->url, sizeof world->url, "%s/test_%s_%u", getenv("P2P_TEST_MONGO_URL"),
                 strrchr(world->folder, '-') + 1, number++);
    world->config = (store_config_t){
        .mongo_url = world->url,
        .database = world->database,
        .mailbox_messages = 10000,
        .mailbox_bytes = 16 * 1024 * 1024,
        .max_message_bytes = 16 * 1024,
    };
    return world;
}

static inline void world_free(world_t *world)
{
    char command[128];
    if (world->store != NULL)
        world_store_close(world);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    snprintf(command, sizeof command, "rm -rf '%s'", world->folder);
    assert_int_equal(system(command), 0);
    free(world);
}

/* --- messages --- */

static inline message_t make_message(const char *sender, const char *id, const char *destination,
                                     const char *text, const char *metadata)
{
    message_t message;
    message_make(&message, sender, destination, text, strlen(text), MESSAGE_CHAT);
    snprintf(message.id, sizeof message.id, "%s", id);
    timestamp_format_now(message.timestamp);
    message_set_metadata(&message, metadata);
    return message;
}

/* --- calls that wait; each copies what its callback got --- */

typedef struct {
    bool called;
    err_t err;
    size_t count;
    bool more;
    int64_t epoch;
    store_result_t results[STORE_MAX_REMEMBER];
    err_t mailbox_results[16];
    store_entry_t entries[STORE_MAX_READ_ALL];
    char reason[200];
} answer_t;

static inline void answer_free(answer_t *answer)
{
    if (answer == NULL)
        return;
    for (size_t i = 0; i < answer->count && i < STORE_MAX_READ_ALL; i++) {
        message_free(&answer->entries[i].message);
    }
    free(answer);
}

static inline void begin_answer(answer_t *answer, err_t err)
{
    assert_false(answer->called);
    answer->called = true;
    answer->err = err;
}

static inline void answer_wait(world_t *world, answer_t *answer)
{
    assert_false(answer->called); /* never inside the call */
    while (!answer->called)
        uv_run(&world->loop, UV_RUN_ONCE);
}

static inline void on_put(void *context, err_t err, const store_result_t *results, size_t count)
{
    answer_t *answer = context;
    begin_answer(answer, err);
    assert_true((err == ERR_OK) == (results != NULL));
    for (size_t i = 0; i < count; i++)
        answer->results[i] = results[i];
}

static inline void on_claim(void *context, err_t err, const store_claim_t *claims, size_t count)
{
    answer_t *answer = context;
    begin_answer(answer, err);
    answer->count = count;
    answer->epoch = count > 0 ? claims[0].epoch : 0;
    answer->more = count > 0 && claims[0].waiting;
}

static inline err_t start_claim(store_t *store, const char *username, answer_t *answer)
{
    store_claim_t *one = alloc_new(store_claim_t);
    snprintf(one->username, sizeof one->username, "%s", username);
    err_t err = store_claim(store, one, 1, on_claim, answer);
    if (err != ERR_OK)
        free(one);
    return err;
}

static inline void on_page(void *context, err_t err, const store_entry_t *entries, size_t count, bool more)
{
    answer_t *answer = context;
    begin_answer(answer, err);
    answer->count = count;
    answer->more = more;
    for (size_t i = 0; i < count; i++) {
        const message_t *message = &entries[i].message;
        message_t *copy = &answer->entries[i].message;
        message_make(copy, message->sender, message->destination, message->text, message->text_length,
                     message->type);
        strcpy(copy->id, message->id);
        strcpy(copy->timestamp, message->timestamp);
        message_set_metadata(copy, message->metadata);
        answer->entries[i].seq = entries[i].seq;
    }
}

static inline void on_acknowledge(void *context, err_t err, const err_t *results, size_t count)
{
    answer_t *answer = context;
    begin_answer(answer, err);
    for (size_t i = 0; i < count && i < 16; i++)
        answer->mailbox_results[i] = results[i];
}

static inline void on_health(void *context, err_t err, const char *reason)
{
    begin_answer(context, err);
    snprintf(((answer_t *)context)->reason, sizeof((answer_t *)context)->reason, "%s", reason);
}

/* Stores `count` messages of `messages`, which are taken over. */
static inline answer_t *put_all(world_t *world, const message_t *messages, size_t count)
{
    answer_t *answer = alloc_new(answer_t);
    message_t *batch = alloc_bytes(count * sizeof batch[0]);
    memcpy(batch, messages, count * sizeof batch[0]);
    assert_int_equal(store_put_batch(world->store, batch, count, on_put, answer), ERR_OK);
    answer_wait(world, answer);
    return answer;
}

/* One message; expects an answer without error and returns its result. */
static inline store_result_t put(world_t *world, const char *sender, const char *id, const char *destination,
                                 const char *text, const char *metadata)
{
    message_t message = make_message(sender, id, destination, text, metadata);
    answer_t *answer = put_all(world, &message, 1);
    assert_int_equal(answer->err, ERR_OK);
    store_result_t result = answer->results[0];
    answer_free(answer);
    return result;
}

static inline int64_t claim(world_t *world, const char *username)
{
    answer_t *answer = alloc_new(answer_t);
    assert_int_equal(start_claim(world->store, username, answer), ERR_OK);
    answer_wait(world, answer);
    assert_int_equal(answer->err, ERR_OK);
    int64_t epoch = answer->epoch;
    answer_free(answer);
    return epoch;
}

static inline answer_t *read_page(world_t *world, const char *username, int64_t epoch, int64_t after,
                                  size_t limit)
{
    answer_t *answer = alloc_new(answer_t);
    assert_int_equal(store_read(world->store, username, epoch, after, limit, on_page, answer), ERR_OK);
    answer_wait(world, answer);
    return answer;
}

static inline answer_t *look_at_everything(world_t *world, const char *username)
{
    answer_t *answer = alloc_new(answer_t);
    assert_int_equal(store_read_all(world->store, username, on_page, answer), ERR_OK);
    answer_wait(world, answer);
    return answer;
}

static inline store_acknowledgement_t make_acknowledgement(const char *username, int64_t epoch,
                                                           const char *sender, const char *id)
{
    store_acknowledgement_t acknowledgement = {.epoch = epoch, .count = 1};
    snprintf(acknowledgement.username, sizeof acknowledgement.username, "%s", username);
    acknowledgement.keys = alloc_zero(1, sizeof acknowledgement.keys[0]);
    snprintf(acknowledgement.keys[0].sender, USERNAME_SIZE, "%s", sender);
    snprintf(acknowledgement.keys[0].id, ID_SIZE, "%s", id);
    return acknowledgement;
}

static inline answer_t *acknowledge_all(world_t *world, const store_acknowledgement_t *acknowledgements,
                                        size_t count)
{
    answer_t *answer = alloc_new(answer_t);
    store_acknowledgement_t *batch = alloc_bytes(count * sizeof batch[0]);
    memcpy(batch, acknowledgements, count * sizeof batch[0]);
    assert_int_equal(store_acknowledge(world->store, batch, count, on_acknowledge, answer), ERR_OK);
    answer_wait(world, answer);
    return answer;
}

/* One key; returns the mailbox's result. */
static inline err_t acknowledge(world_t *world, const char *username, int64_t epoch, const char *sender,
                                const char *id)
{
    store_acknowledgement_t acknowledgement = make_acknowledgement(username, epoch, sender, id);
    answer_t *answer = acknowledge_all(world, &acknowledgement, 1);
    assert_int_equal(answer->err, ERR_OK);
    err_t result = answer->mailbox_results[0];
    answer_free(answer);
    return result;
}

/* Keys of one sender, joined by spaces; the statuses are in results. */
static inline answer_t *remember(world_t *world, const char *sender, const char *ids)
{
    answer_t *answer = alloc_new(answer_t);
    store_key_t *keys = alloc_zero(STORE_MAX_REMEMBER, sizeof keys[0]);
    size_t count = 0;
    for (const char *id = ids; *id != '\0'; id += strspn(id, " ")) {
        size_t length = strcspn(id, " ");
        snprintf(keys[count].sender, USERNAME_SIZE, "%s", sender);
        snprintf(keys[count++].id, ID_SIZE, "%.*s", (int)length, id);
        id += length;
    }
    assert_int_equal(store_remember(world->store, keys, count, on_put, answer), ERR_OK);
    answer_wait(world, answer);
    return answer;
}

/* Acknowledges entries of an answer, as the original's GET does. */
static inline void acknowledge_entries(world_t *world, const char *username, const store_entry_t *entries,
                                       size_t count)
{
    store_acknowledgement_t acknowledgement = {.epoch = STORE_ANY_EPOCH, .count = count};
    snprintf(acknowledgement.username, sizeof acknowledgement.username, "%s", username);
    acknowledgement.keys = alloc_zero(count, sizeof acknowledgement.keys[0]);
    for (size_t i = 0; i < count; i++) {
        strcpy(acknowledgement.keys[i].sender, entries[i].message.sender);
        strcpy(acknowledgement.keys[i].id, entries[i].message.id);
    }
    answer_t *answer = acknowledge_all(world, &acknowledgement, 1);
    assert_int_equal(answer->err, ERR_OK);
    assert_int_equal(answer->mailbox_results[0], ERR_OK);
    answer_free(answer);
}

/* Reads, and acknowledges what was read: some at a time, for a stand-in for MongoDB takes long for each. */
static inline answer_t *read_everything(world_t *world, const char *username)
{
    enum { STEP = 200 };
    answer_t *answer = look_at_everything(world, username);
    for (size_t i = 0; i < answer->count; i += STEP) {
        size_t left = answer->count - i;
        acknowledge_entries(world, username, answer->entries + i, left < STEP ? left : STEP);
    }
    return answer;
}

static inline answer_t *health(world_t *world)
{
    answer_t *answer = alloc_new(answer_t);
    assert_int_equal(store_health(world->store, on_health, answer), ERR_OK);
    answer_wait(world, answer);
    return answer;
}

/* The ids that wait, joined by spaces, oldest first. */
static inline void assert_waiting(world_t *world, const char *username, int64_t epoch, const char *expected)
{
    char ids[512] = "";
    answer_t *answer = read_page(world, username, epoch, 0, STORE_MAX_PAGE);
    assert_int_equal(answer->err, ERR_OK);
    for (size_t i = 0; i < answer->count; i++)
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%s", i > 0 ? " " : "",
                 answer->entries[i].message.id);
    assert_string_equal(ids, expected);
    answer_free(answer);
}

#endif
