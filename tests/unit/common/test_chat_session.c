#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/chat_session.h"
#include "loop_world.h"
#include <stdio.h>

#define STAMP "2026-11-22T17:01:39.123456+00:00"
#define LOGIN_SUCCESS                                                                                        \
    "{\"type\":\"login_success\",\"username\":\"alice\",\"online_users\":[],\"max_message_bytes\":16384}\n"

typedef struct owner owner_t;
typedef void (*step_t)(owner_t *owner);

struct owner {
    world_t world;
    peer_t peer;
    chat_session_t *session;
    chat_options_t options;
    bool inside, keeps; /* keeps: on_message says got */
    step_t in_event;    /* done inside the next event */
    int online, offline, finals, closed, errors;
    err_t why;
    buffer_t shown, receipts, others; /* what came, as words */
};

static void begin_event(owner_t *owner)
{
    assert_false(owner->inside);
    assert_int_equal(owner->closed, 0);
}

static void end_event(owner_t *owner)
{
    step_t step = owner->in_event;
    owner->in_event = NULL;
    if (step)
        step(owner);
}

static void on_online(void *context, const frame_t *login_success)
{
    owner_t *owner = context;
    begin_event(owner);
    assert_int_equal(login_success->type, FRAME_LOGIN_SUCCESS);
    owner->online++;
    end_event(owner);
}

static void on_offline(void *context, err_t why, bool final)
{
    owner_t *owner = context;
    begin_event(owner);
    owner->offline++;
    owner->finals += final;
    owner->why = why;
    end_event(owner);
}

static bool on_message(void *context, const message_t *message, bool stored)
{
    owner_t *owner = context;
    begin_event(owner);
    buffer_appendf(&owner->shown, "%s/%s%s ", message->sender, message->text, stored ? "+" : "");
    end_event(owner);
    return owner->keeps;
}

static void on_receipt(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason)
{
    owner_t *owner = context;
    begin_event(owner);
    assert_true((status == RECEIPT_REJECTED) == (code != NULL && reason != NULL));
    buffer_appendf(&owner->receipts, "%s=%s%s%s ", id, receipt_status_name(status), code ? "/" : "",
                   code ? code : "");
    end_event(owner);
}

static void on_presence(void *context, const frame_t *presence)
{
    owner_t *owner = context;
    begin_event(owner);
    buffer_appendf(&owner->others, "presence:%d ", (int)presence->online);
    end_event(owner);
}

static void on_result(void *context, const frame_t *result)
{
    owner_t *owner = context;
    begin_event(owner);
    buffer_appendf(&owner->others, "%s ", command_name(result->command));
    end_event(owner);
}

static void on_partial(void *context, const char *sender, const char *id, const char *text)
{
    owner_t *owner = context;
    begin_event(owner);
    buffer_appendf(&owner->others, "%s/%s/%s ", sender, id, text);
    end_event(owner);
}

static void on_error(void *context, const char *code, const char *text)
{
    owner_t *owner = context;
    begin_event(owner);
    assert_non_null(text);
    buffer_appendf(&owner->others, "error:%s ", code);
    end_event(owner);
}

static void on_closed(void *context)
{
    owner_t *owner = context;
    begin_event(owner);
    owner->closed++;
}

static void prepare(owner_t *owner)
{
    *owner = (owner_t){.keeps = true};
    world_init(&owner->world);
    peer_listen(&owner->peer, &owner->world.loop, 0);
    owner->options = (chat_options_t){.host = "127.0.0.1",
                                      .port = owner->peer.port,
                                      .username = "Alice",
                                      .token = "secret",
                                      .reconnect = true};
    buffer_init(&owner->shown, 0);
    buffer_init(&owner->receipts, 0);
    buffer_init(&owner->others, 0);
}

static void open_session(owner_t *owner)
{
    static const chat_events_t events = {on_online, on_offline, on_message, on_receipt, on_presence,
                                         on_result, on_partial, on_error,   on_closed};
    owner->inside = true;
    owner->session = chat_session_open(&owner->world.loop, &owner->options, &events, owner);
    owner->inside = false;
}

/* The next line that came to the peer, parsed as the server would; freed by the caller. */
static frame_t take_frame(owner_t *owner, frame_type_t type)
{
    connection_t *connection = owner->peer.connections;
    RUN_UNTIL(&owner->world, memchr(buffer_text(&connection->got), '\n', connection->got.length));
    size_t length = strcspn(connection->got.data, "\n");
    frame_t frame;
    err_t err =
        frame_parse(connection->got.data, length, FRAME_SIDE_SERVER, MESSAGE_DEFAULT_MAX_BYTES, &frame, NULL);
    if (err != ERR_OK || frame.type != type)
        fail_msg("%s: %.*s", err_code(err), (int)length, connection->got.data);
    buffer_consume(&connection->got, length + 1);
    return frame;
}

static void expect_command(owner_t *owner, command_t command)
{
    frame_t frame = take_frame(owner, FRAME_COMMAND);
    assert_int_equal(frame.command, command);
    frame_free(&frame);
}

static void expect_message(owner_t *owner, const char *id, const char *text, bool resend)
{
    frame_t frame = take_frame(owner, FRAME_MESSAGE);
    assert_string_equal(frame.message.id, id);
    assert_string_equal(frame.message.text, text);
    assert_int_equal(frame.resend, resend);
    frame_free(&frame);
}

static void expect_got(owner_t *owner, const char *sender, const char *id)
{
    frame_t frame = take_frame(owner, FRAME_GOT);
    assert_string_equal(frame.sender, sender);
    assert_string_equal(frame.id, id);
    frame_free(&frame);
}

/* Nothing of ours is on its way to the peer. */
static void expect_silence(owner_t *owner)
{
    world_run_for(&owner->world, 20);
    assert_string_equal(buffer_text(&owner->peer.connections->got), "");
}

static void say(owner_t *owner, const char *text)
{
    connection_say(owner->peer.connections, text);
}

/* The connection is there and has said who it is. */
static void expect_login(owner_t *owner, unsigned accepted, const char *username)
{
    RUN_UNTIL(&owner->world, owner->peer.accepted == accepted);
    say(owner, "Enter your user");
    frame_t frame = take_frame(owner, FRAME_LOGIN);
    assert_string_equal(frame.username, username);
    assert_string_equal(frame.token, "secret");
    frame_free(&frame);
    say(owner, "name: ");
}

static void go_online(owner_t *owner)
{
    open_session(owner);
    assert_false(chat_session_is_online(owner->session));
    expect_login(owner, 1, "Alice");
    say(owner, LOGIN_SUCCESS);
    RUN_UNTIL(&owner->world, owner->online == 1);
    assert_true(chat_session_is_online(owner->session));
    assert_string_equal(chat_session_username(owner->session), "alice");
}

static void come_back(owner_t *owner, unsigned accepted)
{
    expect_login(owner, accepted, "alice");
    say(owner, LOGIN_SUCCESS);
    RUN_UNTIL(&owner->world, owner->online == (int)accepted);
}

static void drop_connection(owner_t *owner)
{
    int before = owner->offline;
    connection_close(owner->peer.connections, true);
    RUN_UNTIL(&owner->world, owner->offline == before + 1);
    assert_false(chat_session_is_online(owner->session));
}

static void close_session(owner_t *owner)
{
    owner->inside = true;
    chat_session_close(owner->session, 0);
    owner->inside = false;
}

static void finish(owner_t *owner)
{
    if (owner->closed == 0)
        close_session(owner);
    RUN_UNTIL(&owner->world, owner->closed == 1);
    peer_close(&owner->peer);
    world_close(&owner->world);
    buffer_free(&owner->shown);
    buffer_free(&owner->receipts);
    buffer_free(&owner->others);
}

static err_t send_text_by(owner_t *owner, const char *id, const char *text,
                          err_t (*send)(chat_session_t *session, message_t *message))
{
    message_t message;
    message_make(&message, "", "bob", text, strlen(text), MESSAGE_CHAT);
    strcpy(message.id, id);
    owner->inside = true;
    err_t err = send(owner->session, &message);
    owner->inside = false;
    assert_true(err != ERR_OK || message.id[0] != '\0');
    message_free(&message);
    return err;
}

static err_t send_text(owner_t *owner, const char *id, const char *text)
{
    return send_text_by(owner, id, text, chat_session_send);
}

static void say_message(owner_t *owner, const char *sender, const char *id, const char *text, bool stored)
{
    char line[512];
    snprintf(line, sizeof line,
             "{\"id\":\"%s\",\"sender\":\"%s\",\"destination\":\"alice\",\"timestamp\":\"" STAMP
             "\",\"type\":\"chat\",\"metadata\":{},\"message\":\"%s\"%s}\n",
             id, sender, text, stored ? ",\"stored\":true" : "");
    say(owner, line);
}

static void say_receipt(owner_t *owner, const char *id, const char *rest)
{
    char line[256];
    snprintf(line, sizeof line, "{\"type\":\"receipt\",\"id\":\"%s\",%s}\n", id, rest);
    say(owner, line);
}

#define RUN_UNTIL_SAID(owner, buffer, text)                                                                  \
    RUN_UNTIL(&(owner)->world, strcmp(buffer_text(&(owner)->buffer), (text)) == 0)

static void test_all_kinds_of_frames(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    say_message(&owner, "bob", "1", "hi", false);
    say_message(&owner, "bob", "2", "you", true);
    expect_got(&owner, "bob", "1");
    expect_got(&owner, "bob", "2");
    assert_string_equal(buffer_text(&owner.shown), "bob/hi bob/you+ ");
    say(&owner, "{\"type\":\"presence\",\"joined\":[\"bob\"],\"left\":[],\"online\":2}\n"
                "{\"type\":\"result\",\"command\":\"check\",\"stored\":3}\r\n"
                "{\"type\":\"partial\",\"sender\":\"openai\",\"id\":\"p\",\"text\":\"grow\"}\n"
                "{\"type\":\"error\",\"code\":\"rate_limited\",\"message\":\"slower\"}\n");
    RUN_UNTIL_SAID(&owner, others, "presence:2 check openai/p/grow error:rate_limited ");
    assert_int_equal(chat_session_command(owner.session, COMMAND_USERS), ERR_OK);
    expect_command(&owner, COMMAND_USERS);
    chat_session_partial(owner.session, "bob", "p2", "more", 4);
    frame_t frame = take_frame(&owner, FRAME_PARTIAL);
    assert_string_equal(frame.destination, "bob");
    assert_string_equal(frame.text, "more");
    frame_free(&frame);
    assert_int_equal(owner.offline, 0);
    finish(&owner);
}

static void test_shown_once(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    say_message(&owner, "bob", "1", "hi", false);
    say_message(&owner, "bob", "1", "hi", true);
    expect_got(&owner, "bob", "1");
    expect_got(&owner, "bob", "1"); /* the first one may have been lost */
    drop_connection(&owner);
    come_back(&owner, 2);
    say_message(&owner, "bob", "1", "hi", true);
    expect_got(&owner, "bob", "1");
    assert_string_equal(buffer_text(&owner.shown), "bob/hi ");
    finish(&owner);
}

static void test_got_said_later(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    owner.keeps = false;
    go_online(&owner);
    say_message(&owner, "bob", "1", "hi", false);
    say_message(&owner, "bob", "2", "you", false);
    RUN_UNTIL_SAID(&owner, shown, "bob/hi bob/you ");
    say_message(&owner, "bob", "1", "hi", true); /* not decided: neither shown again nor answered */
    expect_silence(&owner);
    chat_session_got(owner.session, "bob", "1");
    expect_got(&owner, "bob", "1");
    /* What is decided while offline is told when it comes again. */
    drop_connection(&owner);
    chat_session_got(owner.session, "bob", "2");
    come_back(&owner, 2);
    say_message(&owner, "bob", "2", "you", true);
    expect_got(&owner, "bob", "2");
    assert_string_equal(buffer_text(&owner.shown), "bob/hi bob/you ");
    finish(&owner);
}

static void test_sent_again_after_a_loss(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    open_session(&owner);
    assert_int_equal(send_text(&owner, "m0", "early"), ERR_OK); /* before anybody listens */
    expect_login(&owner, 1, "Alice");
    say(&owner, LOGIN_SUCCESS);
    expect_message(&owner, "m0", "early", false);
    assert_int_equal(send_text(&owner, "m1", "one"), ERR_OK);
    assert_int_equal(send_text(&owner, "m2", "two"), ERR_OK);
    assert_int_equal(send_text(&owner, "m2", "two"), ERR_OK); /* the same message */
    expect_message(&owner, "m1", "one", false);
    expect_message(&owner, "m2", "two", false);
    expect_silence(&owner);
    say_receipt(&owner, "m0", "\"status\":\"stored\"");
    RUN_UNTIL_SAID(&owner, receipts, "m0=stored ");
    assert_int_equal(chat_session_unacknowledged(owner.session), 2);

    drop_connection(&owner);
    assert_int_equal(send_text(&owner, "m3", "three"), ERR_OK);
    assert_int_equal(chat_session_command(owner.session, COMMAND_PING), ERR_CLOSED);
    chat_session_partial(owner.session, "bob", "p", "lost", 4);
    come_back(&owner, 2);
    expect_message(&owner, "m1", "one", true);
    expect_message(&owner, "m2", "two", true);
    expect_message(&owner, "m3", "three", false);
    expect_silence(&owner);
    say_receipt(&owner, "m1", "\"status\":\"stored\"");
    say_receipt(&owner, "m1", "\"status\":\"delivered\"");
    say_receipt(&owner, "m2", "\"status\":\"rejected\",\"code\":\"mailbox_full\"");
    RUN_UNTIL_SAID(&owner, receipts, "m0=stored m1=stored m1=delivered m2=rejected/mailbox_full ");
    assert_int_equal(chat_session_unacknowledged(owner.session), 1);
    finish(&owner);
}

static void test_sent_before_this_session(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    open_session(&owner);
    assert_int_equal(send_text_by(&owner, "m0", "early", chat_session_send_again), ERR_OK);
    expect_login(&owner, 1, "Alice");
    say(&owner, LOGIN_SUCCESS);
    expect_message(&owner, "m0", "early", true);
    assert_int_equal(send_text_by(&owner, "m1", "late", chat_session_send_again), ERR_OK);
    expect_message(&owner, "m1", "late", true);
    finish(&owner);
}

static void test_ids_are_minted(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    assert_int_equal(send_text(&owner, "", "hi"), ERR_OK);
    frame_t frame = take_frame(&owner, FRAME_MESSAGE);
    assert_int_equal(strlen(frame.message.id), ID_UUID_SIZE - 1);
    frame_free(&frame);
    finish(&owner);
}

/* More than the output queue should hold waits in the outbox, and goes out in its order. */
static void test_server_that_does_not_read(void **state)
{
    (void)state;
    enum { COUNT = 1500, LENGTH = 8000 }; /* more than the kernel takes */
    owner_t owner;
    char text[LENGTH + 1], id[16];
    prepare(&owner);
    int size = 16 * 1024;
    uv_recv_buffer_size((uv_handle_t *)&owner.peer.listener, &size);
    go_online(&owner);
    uv_read_stop((uv_stream_t *)&owner.peer.connections->tcp);
    memset(text, 'x', LENGTH);
    text[LENGTH] = '\0';
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "m%d", i);
        assert_int_equal(send_text(&owner, id, text), ERR_OK);
    }
    world_run_for(&owner.world, 20);
    for (int i = 0; i < COUNT; i++) /* none of which may be lost: dropped, while the server is behind */
        chat_session_partial(owner.session, "bob", "p", text, LENGTH);
    assert_int_equal(owner.offline, 0);
    connection_read(owner.peer.connections);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "m%d", i);
        expect_message(&owner, id, text, false);
    }
    assert_int_equal(chat_session_unacknowledged(owner.session), COUNT);
    finish(&owner);
}

static void test_outbox_is_bounded(void **state)
{
    (void)state;
    owner_t owner;
    char id[16];
    prepare(&owner);
    open_session(&owner);
    for (int i = 0; i < 10000; i++) {
        snprintf(id, sizeof id, "m%d", i);
        assert_int_equal(send_text(&owner, id, "x"), ERR_OK);
    }
    assert_int_equal(send_text(&owner, "more", "x"), ERR_BUSY);
    assert_int_equal(chat_session_unacknowledged(owner.session), 10000);
    finish(&owner);
}

static void test_refused(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    open_session(&owner);
    expect_login(&owner, 1, "Alice");
    say(&owner, "{\"type\":\"error\",\"code\":\"username_taken\",\"message\":\"no\"}\n");
    RUN_UNTIL(&owner.world, owner.offline == 1);
    assert_int_equal(owner.why, ERR_USERNAME_TAKEN);
    assert_int_equal(owner.finals, 1);
    assert_int_equal(send_text(&owner, "m", "x"), ERR_CLOSED);
    world_run_for(&owner.world, 250);
    assert_int_equal(owner.peer.accepted, 1);
    finish(&owner);
}

/* Our old session may not have been noticed dead yet; a server at its limit may have room later. */
static void test_refusals_that_pass(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    open_session(&owner);
    expect_login(&owner, 1, "Alice");
    say(&owner, "{\"type\":\"error\",\"code\":\"busy\",\"message\":\"later\"}\n");
    RUN_UNTIL(&owner.world, owner.offline == 1);
    assert_int_equal(owner.why, ERR_BUSY);
    expect_login(&owner, 2, "Alice");
    say(&owner, LOGIN_SUCCESS);
    RUN_UNTIL(&owner.world, owner.online == 1);
    drop_connection(&owner);
    expect_login(&owner, 3, "alice");
    say(&owner, "{\"type\":\"error\",\"code\":\"username_taken\",\"message\":\"no\"}\n");
    RUN_UNTIL(&owner.world, owner.offline == 3);
    assert_int_equal(owner.why, ERR_USERNAME_TAKEN);
    expect_login(&owner, 4, "alice");
    say(&owner, LOGIN_SUCCESS);
    RUN_UNTIL(&owner.world, owner.online == 2);
    assert_int_equal(owner.finals, 0);
    finish(&owner);
}

static void test_one_connection_only(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    owner.options.reconnect = false;
    go_online(&owner);
    /* The reason is the one that the server gave. */
    say(&owner, "{\"type\":\"error\",\"code\":\"too_slow\",\"message\":\"read\"}\n");
    connection_close(owner.peer.connections, false);
    RUN_UNTIL(&owner.world, owner.offline == 1);
    assert_int_equal(owner.finals, 1);
    assert_int_equal(owner.why, ERR_TOO_SLOW);
    world_run_for(&owner.world, 250);
    assert_int_equal(owner.peer.accepted, 1);
    finish(&owner);
}

static void test_goodbye_is_no_error(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    say(&owner, "{\"type\":\"error\",\"code\":\"closed\",\"message\":\"the connection is closed\"}\n");
    connection_close(owner.peer.connections, false);
    RUN_UNTIL(&owner.world, owner.offline == 1);
    assert_int_equal(owner.why, ERR_CLOSED);
    assert_string_equal(buffer_text(&owner.others), "");
    finish(&owner);
}

static void test_nobody_there(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    peer_close(&owner.peer);
    world_run_for(&owner.world, 10);
    open_session(&owner);
    RUN_UNTIL(&owner.world, owner.offline == 2);
    assert_int_equal(owner.why, ERR_CONNECT);
    peer_listen(&owner.peer, &owner.world.loop, owner.options.port);
    expect_login(&owner, 1, "Alice");
    finish(&owner);
}

static void test_no_chat_server(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    owner.options.login_ms = 500;
    open_session(&owner);
    RUN_UNTIL(&owner.world, owner.peer.accepted == 1);
    say(&owner, "SSH-2.0-OpenSSH_9.2\r\n");
    RUN_UNTIL(&owner.world, owner.offline == 1);
    assert_int_equal(owner.why, ERR_INVALID_FRAME);
    RUN_UNTIL(&owner.world, owner.offline == 2); /* and one that says nothing */
    assert_int_equal(owner.why, ERR_TIMEOUT);
    assert_int_equal(owner.finals, 0);
    finish(&owner);
}

static void test_rubbish_is_skipped(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    char *line = alloc_bytes(3 * 1024 * 1024);
    memset(line, 'x', 3 * 1024 * 1024);
    line[3 * 1024 * 1024 - 1] = '\n';
    say(&owner, "rubbish\n\n{}\n[1]\n{\"type\":\"got\",\"sender\":\"bob\",\"id\":\"1\"}\n\xFF\xFE\n"
                "{\"type\":\"login_success\",\"username\":\"mallory\"}\n");
    connection_write(owner.peer.connections, line, 3 * 1024 * 1024);
    say_message(&owner, "bob", "1", "hi", false);
    expect_got(&owner, "bob", "1");
    assert_int_equal(owner.offline, 0);
    assert_string_equal(chat_session_username(owner.session), "alice");
    free(line);
    finish(&owner);
}

static void test_silence(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    owner.options.idle_ms = 500;
    go_online(&owner);
    expect_command(&owner, COMMAND_PING);
    say(&owner, "{\"type\":\"result\",\"command\":\"ping\"}\n");
    expect_command(&owner, COMMAND_PING);
    assert_int_equal(owner.offline, 0);
    assert_string_equal(buffer_text(&owner.others), ""); /* our own ping is not the owner's business */
    RUN_UNTIL(&owner.world, owner.offline == 1);
    assert_int_equal(owner.why, ERR_TIMEOUT);
    come_back(&owner, 2);
    finish(&owner);
}

static void test_pause(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    owner.options.idle_ms = 300;
    go_online(&owner);
    chat_session_pause(owner.session, true);
    say_message(&owner, "bob", "1", "hi", false);
    say_message(&owner, "bob", "2", "you", false);
    world_run_for(&owner.world, 800); /* what we do not read is no silence of the server's */
    assert_string_equal(buffer_text(&owner.shown), "");
    assert_int_equal(owner.offline, 0);
    owner.inside = true;
    chat_session_pause(owner.session, false);
    owner.inside = false;
    RUN_UNTIL_SAID(&owner, shown, "bob/hi bob/you ");
    finish(&owner);
}

static void pause_now(owner_t *owner)
{
    chat_session_pause(owner->session, true);
}

static void test_pause_between_two_lines(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    owner.in_event = pause_now;
    char lines[1024];
    snprintf(lines, sizeof lines, "%s%s", "{\"type\":\"presence\",\"joined\":[],\"left\":[],\"online\":1}\n",
             "{\"type\":\"presence\",\"joined\":[],\"left\":[],\"online\":2}\n");
    say(&owner, lines);
    RUN_UNTIL_SAID(&owner, others, "presence:1 ");
    world_run_for(&owner.world, 20);
    assert_string_equal(buffer_text(&owner.others), "presence:1 ");
    chat_session_pause(owner.session, false);
    RUN_UNTIL_SAID(&owner, others, "presence:1 presence:2 ");
    finish(&owner);
}

/* All that was sent is written before the end, and the end is no reset. */
static void test_linger(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    owner_t owner;
    char text[4001], id[16];
    prepare(&owner);
    go_online(&owner);
    memset(text, 'x', 4000);
    text[4000] = '\0';
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "m%d", i);
        assert_int_equal(send_text(&owner, id, text), ERR_OK);
    }
    chat_session_close(owner.session, 20000);
    chat_session_close(owner.session, 0); /* the first one counts */
    assert_int_equal(send_text(&owner, "late", "x"), ERR_CLOSED);
    /* Owners free what their events use as soon as they have closed. */
    say_message(&owner, "bob", "1", "too late", false);
    say(&owner, "{\"type\":\"receipt\",\"id\":\"m0\",\"status\":\"stored\"}\n");
    say(&owner, "{\"type\":\"error\",\"code\":\"busy\",\"message\":\"x\"}\n");
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "m%d", i);
        expect_message(&owner, id, text, false);
    }
    RUN_UNTIL(&owner.world, owner.peer.connections->ended);
    assert_int_equal(owner.closed, 0);
    connection_close(owner.peer.connections, false);
    RUN_UNTIL(&owner.world, owner.closed == 1);
    assert_string_equal(buffer_text(&owner.shown), "");
    assert_string_equal(buffer_text(&owner.receipts), "");
    assert_int_equal(owner.errors, 0);
    assert_int_equal(owner.offline, 0);
    finish(&owner);
}

static void test_linger_has_an_end(void **state)
{
    (void)state;
    owner_t owner;
    prepare(&owner);
    go_online(&owner);
    chat_session_close(owner.session, 50);
    RUN_UNTIL(&owner.world, owner.closed == 1); /* though the peer never closes */
    finish(&owner);
}

/* Closed inside every event, at every stage: nothing comes behind it, and nothing is touched. */
static void test_closed_inside_events(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"type\":\"presence\",\"joined\":[],\"left\":[],\"online\":1}\n",
        "{\"type\":\"result\",\"command\":\"users\",\"users\":[],\"online\":0}\n",
        "{\"type\":\"partial\",\"sender\":\"openai\",\"id\":\"p\",\"text\":\"x\"}\n",
        "{\"type\":\"error\",\"code\":\"busy\",\"message\":\"x\"}\n",
        "{\"type\":\"receipt\",\"id\":\"m\",\"status\":\"stored\"}\n",
        "{\"id\":\"1\",\"sender\":\"bob\",\"destination\":\"alice\",\"timestamp\":\"" STAMP
        "\",\"type\":\"chat\",\"metadata\":{},\"message\":\"x\"}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        owner_t owner;
        char twice[1024];
        prepare(&owner);
        go_online(&owner);
        send_text(&owner, "m", "x");
        owner.in_event = close_session;
        snprintf(twice, sizeof twice, "%s%s", lines[i], lines[i]);
        say(&owner, twice);
        RUN_UNTIL(&owner.world, owner.closed == 1);
        finish(&owner);
    }
    for (int stage = 0; stage < 3; stage++) { /* on_online; on_offline of a login, and of a loss */
        owner_t owner;
        prepare(&owner);
        if (stage == 2) {
            go_online(&owner);
            owner.in_event = close_session;
            connection_close(owner.peer.connections, true);
        } else {
            open_session(&owner);
            expect_login(&owner, 1, "Alice");
            owner.in_event = close_session;
            say(&owner, stage == 0 ? LOGIN_SUCCESS : "{\"type\":\"error\",\"code\":\"busy\"}\n");
        }
        RUN_UNTIL(&owner.world, owner.closed == 1);
        finish(&owner);
    }
}

static void test_closed_at_any_moment(void **state)
{
    (void)state;
    for (int turns = 0; turns < 8; turns++) {
        owner_t owner;
        prepare(&owner);
        open_session(&owner);
        for (int turn = 0; turn < turns; turn++)
            uv_run(&owner.world.loop, UV_RUN_NOWAIT);
        finish(&owner);
        assert_int_equal(owner.online + owner.offline, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_of_frames),
        cmocka_unit_test(test_shown_once),
        cmocka_unit_test(test_got_said_later),
        cmocka_unit_test(test_sent_again_after_a_loss),
        cmocka_unit_test(test_sent_before_this_session),
        cmocka_unit_test(test_ids_are_minted),
        cmocka_unit_test(test_server_that_does_not_read),
        cmocka_unit_test(test_outbox_is_bounded),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refusals_that_pass),
        cmocka_unit_test(test_one_connection_only),
        cmocka_unit_test(test_goodbye_is_no_error),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_no_chat_server),
        cmocka_unit_test(test_rubbish_is_skipped),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_pause_between_two_lines),
        cmocka_unit_test(test_linger),
        cmocka_unit_test(test_linger_has_an_end),
        cmocka_unit_test(test_closed_inside_events),
        cmocka_unit_test(test_closed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
