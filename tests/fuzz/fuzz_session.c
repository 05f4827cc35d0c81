/* What a server says to the client side of a session, over a socket: nothing comes twice, nothing comes behind the end,
 * and the end comes. The first byte: does a proper login stand before the rest, and in which pieces does it come? */
#include "common/chat_session.h"
#include "common/hash.h"
#include "common/text.h"
#include "fuzz_socket.h"
#include <stdio.h>

enum { MAX_BYTES = 256 };

typedef struct {
    uv_loop_t loop;
    hash_t *seen;
    bool over, closed;
} world_t;

static bool on_message(void *context, const message_t *message, bool stored)
{
    world_t *world = context;
    char key[USERNAME_SIZE + ID_SIZE];
    (void)stored;
    FUZZ_CHECK(!world->over && text_is_message(message->text, message->text_length) &&
               message->text_length > 0);
    snprintf(key, sizeof key, "%s:%s", message->sender, message->id);
    FUZZ_CHECK(hash_put(world->seen, key, world) == NULL);
    return true;
}

static void on_receipt(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason)
{
    world_t *world = context;
    (void)status, (void)code, (void)reason;
    FUZZ_CHECK(!world->over && id_is_valid(id, strlen(id)));
}

static void on_partial(void *context, const char *sender, const char *id, const char *text)
{
    world_t *world = context;
    FUZZ_CHECK(!world->over && id_is_valid(id, strlen(id)) && sender != NULL && text != NULL);
}

static void on_offline(void *context, err_t why, bool final)
{
    world_t *world = context;
    FUZZ_CHECK(!world->over && final && why != ERR_OK);
    world->over = true;
}

static void on_closed(void *context)
{
    world_t *world = context;
    FUZZ_CHECK(!world->closed);
    world->closed = true;
}

static void say(int peer, const uint8_t *data, size_t size, unsigned kind)
{
    static const char login[] = "Enter your username: {\"type\":\"login_success\",\"username\":\"alice\","
                                "\"online_users\":[\"alice\"],\"max_message_bytes\":16384}\n";
    size_t first = size * (kind >> 1 & 7) / 8;
    if (kind & 1)
        FUZZ_CHECK(send(peer, login, sizeof login - 1, MSG_NOSIGNAL) > 0);
    (void)!send(peer, data, first, MSG_NOSIGNAL);
    (void)!send(peer, data + first, size - first, MSG_NOSIGNAL);
    shutdown(peer, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const chat_events_t events = {
        .on_message = on_message,
        .on_receipt = on_receipt,
        .on_partial = on_partial,
        .on_offline = on_offline,
        .on_closed = on_closed,
    };
    static int listener, port;
    if (port == 0)
        listener = fuzz_listen(&port);
    unsigned kind = fuzz_byte(&data, &size);
    world_t world = {.seen = hash_new()};
    chat_options_t options = {
        .host = "127.0.0.1", .port = port, .username = "alice", .max_message_bytes = MAX_BYTES};
    message_t message;

    FUZZ_CHECK(uv_loop_init(&world.loop) == 0);
    chat_session_t *session = chat_session_open(&world.loop, &options, &events, &world);
    message_make(&message, "", "bob", "hello", 5, MESSAGE_CHAT);
    strcpy(message.id, "mine");
    FUZZ_CHECK(chat_session_send(session, &message) == ERR_OK);
    message_free(&message);
    for (int i = 0; i < 4; i++)
        uv_run(&world.loop, UV_RUN_NOWAIT); /* connects */
    int peer = accept(listener, NULL, NULL);
    say(peer, data, size, kind);
    fuzz_run(&world.loop, &world.over);
    fuzz_close(peer);
    chat_session_close(session, 0);
    fuzz_run(&world.loop, &world.closed);
    while (uv_run(&world.loop, UV_RUN_NOWAIT) != 0)
        ;
    FUZZ_CHECK(uv_loop_close(&world.loop) == 0);
    hash_free(world.seen);
    return 0;
}
