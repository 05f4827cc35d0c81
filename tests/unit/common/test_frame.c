#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/frame.h"
#include <stdlib.h>
#include <string.h>

#define STAMP "2026-11-22T17:01:39.123456+00:00"
enum { MAX_BYTES = 100 };

/* The one line in the buffer, without its newline, as the side reads it. Clears the buffer. */
static frame_t read_back(buffer_t *out, frame_side_t side, frame_type_t type)
{
    frame_t frame;
    assert_true(out->length > 1 && out->data[out->length - 1] == '\n');
    assert_ptr_equal(memchr(out->data, '\n', out->length), out->data + out->length - 1);
    err_t err = frame_parse(out->data, out->length - 1, side, MAX_BYTES, &frame, NULL);
    if (err != ERR_OK)
        fail_msg("%s: %s", err_code(err), out->data);
    assert_int_equal(frame.type, type);
    /* The other side must not take it, unless both speak it. */
    frame_t other;
    frame_side_t other_side = side == FRAME_SIDE_SERVER ? FRAME_SIDE_CLIENT : FRAME_SIDE_SERVER;
    if (type != FRAME_MESSAGE && type != FRAME_PARTIAL)
        assert_int_equal(frame_parse(out->data, out->length - 1, other_side, MAX_BYTES, &other, NULL),
                         ERR_INVALID_FRAME);
    buffer_clear(out);
    return frame;
}

static err_t parse(const char *line, frame_side_t side, char id[ID_SIZE])
{
    size_t length = strlen(line);
    char *copy = alloc_bytes(length + 1); /* as long as the line: no byte behind it may be read */
    memcpy(copy, line, length);
    frame_t frame;
    memset(&frame, 0x5A, sizeof frame);
    frame_t before = frame;
    err_t err = frame_parse(copy, length, side, MAX_BYTES, &frame, id);
    if (err == ERR_OK)
        frame_free(&frame);
    else
        assert_memory_equal(&frame, &before, sizeof frame);
    free(copy);
    return err;
}

static void assert_names(const cJSON *array, const char *const *names, int count)
{
    assert_int_equal(cJSON_GetArraySize(array), count);
    for (int i = 0; i < count; i++)
        assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(array, i)), names[i]);
}

static const char *const people[] = {"alice", "b\"ob", "caf\xC3\xA9"};

static void test_what_clients_write(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    assert_int_equal(frame_write_login(&out, "a\"lice\n", "t\\oken"), ERR_OK);
    frame_t frame = read_back(&out, FRAME_SIDE_SERVER, FRAME_LOGIN);
    assert_string_equal(frame.username, "a\"lice\n");
    assert_string_equal(frame.token, "t\\oken");
    frame_free(&frame);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(frame_write_login(&out, "alice", i == 0 ? NULL : ""), ERR_OK);
        frame = read_back(&out, FRAME_SIDE_SERVER, FRAME_LOGIN);
        assert_null(frame.token);
        frame_free(&frame);
    }
    assert_int_equal(frame_write_got(&out, "bob", "m-1"), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_SERVER, FRAME_GOT);
    assert_string_equal(frame.sender, "bob");
    assert_string_equal(frame.id, "m-1");
    frame_free(&frame);
    for (int command = COMMAND_CHECK; command <= COMMAND_PING; command++) {
        assert_int_equal(frame_write_command(&out, (command_t)command), ERR_OK);
        frame = read_back(&out, FRAME_SIDE_SERVER, FRAME_COMMAND);
        assert_int_equal(frame.command, command);
        frame_free(&frame);
    }
    buffer_free(&out);
}

static const frame_names_t no_names;

static void names_of(const char *const *people_in, size_t count, buffer_t *out)
{
    buffer_init(out, 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(frame_append_name(out, people_in[i]), ERR_OK);
}

static frame_names_t all_of(const buffer_t *names)
{
    return (frame_names_t){names->data, names->length};
}

static void test_what_the_server_writes(void **state)
{
    (void)state;
    buffer_t out, names;
    buffer_init(&out, 0);
    names_of(people, 2, &names);
    assert_int_equal(frame_write_login_success(&out, people[2], all_of(&names), 16384), ERR_OK);
    frame_t frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_LOGIN_SUCCESS);
    assert_string_equal(frame.username, people[2]);
    assert_names(frame.users, people, 3);
    assert_int_equal(frame.max_message_bytes, 16384);
    frame_free(&frame);
    assert_int_equal(frame_write_login_success(&out, people[0], no_names, 16384), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_LOGIN_SUCCESS);
    assert_names(frame.users, people, 1);
    frame_free(&frame);
    size_t second = strlen(people[0]) + 2; /* its comma is dropped */
    assert_int_equal(frame_write_presence(&out, all_of(&names),
                                          (frame_names_t){names.data + second, names.length - second}, 7),
                     ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_PRESENCE);
    assert_names(frame.joined, people, 2);
    assert_names(frame.left, people + 1, 1);
    assert_int_equal(frame.online, 7);
    frame_free(&frame);
    buffer_free(&names);
    assert_int_equal(frame_write_presence(&out, no_names, no_names, 0), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_PRESENCE);
    assert_names(frame.joined, NULL, 0);
    frame_free(&frame);
    assert_int_equal(frame_write_error(&out, ERR_RATE_LIMITED), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_ERROR);
    assert_string_equal(frame.code, "rate_limited");
    assert_string_equal(frame.reason, err_text(ERR_RATE_LIMITED));
    frame_free(&frame);
    assert_int_equal(frame_write_result_check(&out, 12), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RESULT);
    assert_int_equal(frame.command, COMMAND_CHECK);
    assert_int_equal(frame.count, 12);
    frame_free(&frame);
    assert_int_equal(frame_write_result_users(&out, people, 3, 250), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RESULT);
    assert_int_equal(frame.command, COMMAND_USERS);
    assert_names(frame.users, people, 3);
    assert_int_equal(frame.online, 250);
    frame_free(&frame);
    assert_int_equal(frame_write_result_ping(&out), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RESULT);
    assert_int_equal(frame.command, COMMAND_PING);
    frame_free(&frame);
    buffer_free(&out);
}

static void test_receipts(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    assert_int_equal(frame_write_receipt(&out, "m-1", RECEIPT_STORED, ERR_OK), ERR_OK);
    assert_string_equal(buffer_text(&out), "{\"type\":\"receipt\",\"id\":\"m-1\",\"status\":\"stored\"}\n");
    frame_t frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RECEIPT);
    assert_int_equal(frame.status, RECEIPT_STORED);
    assert_string_equal(frame.id, "m-1");
    assert_null(frame.code);
    frame_free(&frame);
    assert_int_equal(frame_write_receipt(&out, "m-2", RECEIPT_DELIVERED, ERR_OK), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RECEIPT);
    assert_int_equal(frame.status, RECEIPT_DELIVERED);
    frame_free(&frame);
    assert_int_equal(frame_write_receipt(&out, "m-3", RECEIPT_REJECTED, ERR_MAILBOX_FULL), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RECEIPT);
    assert_int_equal(frame.status, RECEIPT_REJECTED);
    assert_string_equal(frame.code, "mailbox_full");
    assert_string_equal(frame.reason, err_text(ERR_MAILBOX_FULL));
    frame_free(&frame);
    assert_int_equal(frame_write_receipt_reason(&out, "m-4", RECEIPT_REJECTED, "busy", NULL), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_RECEIPT);
    assert_string_equal(frame.reason, "busy"); /* who shows it never meets NULL */
    frame_free(&frame);
    buffer_free(&out);
}

static void test_messages(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    message_t message;
    message_make(&message, "alice", "bob", "two\nlines \"\xC3\xA9\"", 14, MESSAGE_COMMAND);
    strcpy(message.id, "m-1");
    strcpy(message.timestamp, STAMP);
    message_set_metadata(&message, "{\"k\":[1]}");
    for (int flags = 0; flags < 4; flags++) {
        assert_int_equal(frame_write_message(&out, &message, flags & 1, flags & 2), ERR_OK);
        frame_t frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_MESSAGE);
        assert_int_equal(frame.stored, flags & 1);
        assert_int_equal(frame.resend, flags >> 1);
        assert_string_equal(frame.message.id, "m-1");
        assert_string_equal(frame.message.sender, "alice");
        assert_string_equal(frame.message.destination, "bob");
        assert_string_equal(frame.message.timestamp, STAMP);
        assert_int_equal(frame.message.type, MESSAGE_COMMAND);
        assert_string_equal(frame.message.text, message.text);
        assert_string_equal(frame.message.metadata, "{\"k\":[1]}");
        frame_free(&frame);
    }
    /* The same line as the server reads it: the sender is not the client's to say. */
    assert_int_equal(frame_write_message(&out, &message, false, true), ERR_OK);
    frame_t frame = read_back(&out, FRAME_SIDE_SERVER, FRAME_MESSAGE);
    assert_true(frame.resend);
    assert_string_equal(frame.message.sender, "");
    assert_string_equal(frame.message.timestamp, "");
    frame_free(&frame);
    message_free(&message);
    buffer_free(&out);
}

/* The short writers write what the others do. */
static void test_plain_writers(void **state)
{
    (void)state;
    buffer_t out, wanted;
    buffer_init(&out, 0);
    buffer_init(&wanted, 0);
    message_t message;
    message_make(&message, "alice", "zo\xC3\xAB", "caf\xC3\xA9 'au' lait", 15, MESSAGE_CHAT);
    strcpy(message.id, "m-1");
    strcpy(message.timestamp, STAMP);
    frame_chat_t chat = {.id = {message.id, 3},
                         .sender = {message.sender, 5},
                         .destination = {message.destination, 4},
                         .text = {message.text, message.text_length},
                         .timestamp = message.timestamp};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(frame_write_message(&wanted, &message, false, false), ERR_OK);
        assert_int_equal(frame_write_chat(&out, &chat), ERR_OK);
        assert_int_equal(frame_write_receipt(&wanted, "m-1", RECEIPT_DELIVERED, ERR_OK), ERR_OK);
        assert_int_equal(frame_write_delivered(&out, chat.id), ERR_OK);
    }
    assert_string_equal(buffer_text(&out), buffer_text(&wanted));
    assert_int_equal(out.length, wanted.length);
    message_free(&message);
    buffer_free(&out);
    buffer_free(&wanted);
}

static void test_partials(void **state)
{
    (void)state;
    buffer_t out;
    buffer_init(&out, 0);
    assert_int_equal(frame_write_partial(&out, FRAME_SIDE_CLIENT, "bob", "m-1", "so far\n...", 7), ERR_OK);
    frame_t frame = read_back(&out, FRAME_SIDE_SERVER, FRAME_PARTIAL);
    assert_string_equal(frame.destination, "bob");
    assert_null(frame.sender);
    assert_string_equal(frame.id, "m-1");
    assert_string_equal(frame.text, "so far\n");
    frame_free(&frame);
    assert_int_equal(frame_write_partial(&out, FRAME_SIDE_SERVER, "openai", "m-1", "", 0), ERR_OK);
    frame = read_back(&out, FRAME_SIDE_CLIENT, FRAME_PARTIAL);
    assert_string_equal(frame.sender, "openai");
    assert_null(frame.destination);
    assert_string_equal(frame.text, "");
    frame_free(&frame);
    buffer_free(&out);
}

static const struct {
    const char *line;
    err_t err;
    const char *id; /* that the refusal carries; NULL = none */
} to_server[] = {
    {"", ERR_NOT_JSON, NULL},
    {"hello", ERR_NOT_JSON, NULL},
    {"[]", ERR_NOT_JSON, NULL},
    {"\"chat\"", ERR_NOT_JSON, NULL},
    {"null", ERR_NOT_JSON, NULL},
    {"{\"type\":\"got\"", ERR_NOT_JSON, NULL},
    {"{\"type\":\"got\",\"type\":\"login\"}", ERR_NOT_JSON, NULL},
    {"{}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":null}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":7}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"nonsense\",\"id\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"Type\":\"command\",\"command\":\"ping\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"receipt\",\"id\":\"x\",\"status\":\"stored\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"login\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"login\",\"username\":7}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"login\",\"username\":null}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"login\",\"username\":[\"a\"]}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"login\",\"username\":\"\"}", ERR_OK, NULL}, /* the server says username_invalid */
    {"{\"type\":\"login\",\"username\":\"a\",\"token\":1}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"login\",\"username\":\"a\",\"token\":null}", ERR_OK, NULL},
    {"{\"type\":\"login\",\"username\":\"a\",\"more\":{}}", ERR_OK, NULL},
    {"{\"type\":\"got\",\"id\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"got\",\"sender\":\"a\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"got\",\"sender\":1,\"id\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"got\",\"sender\":\"\",\"id\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"got\",\"sender\":\"a\",\"id\":\"x y\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"got\",\"sender\":\"a\",\"id\":5}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"command\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"command\",\"command\":true}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"command\",\"command\":\"format\"}", ERR_UNKNOWN_COMMAND, NULL},
    {"{\"type\":\"command\",\"command\":\"PING\"}", ERR_UNKNOWN_COMMAND, NULL},
    {"{\"type\":\"partial\",\"destination\":\"b\",\"text\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"partial\",\"id\":\"x\",\"text\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"partial\",\"sender\":\"b\",\"id\":\"x\",\"text\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"partial\",\"destination\":\"b\",\"id\":\"x\"}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"partial\",\"destination\":\"b\",\"id\":\"x\",\"text\":2}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"partial\",\"destination\":\"b\",\"id\":\"x\",\"text\":\"\\u0007\"}", ERR_INVALID_TEXT,
     NULL},
    {"{\"type\":\"chat\",\"id\":\"m-1\"}", ERR_INVALID_FRAME, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\"}", ERR_INVALID_FRAME, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":5,\"message\":\"x\"}", ERR_INVALID_FRAME, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"\"}", ERR_EMPTY, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"b b\",\"message\":\"x\"}", ERR_USERNAME_INVALID,
     "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"\\u0000\"}", ERR_NOT_JSON,
     NULL},
    {"{\"type\":\"chat\",\"id\":\"m 1\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_ID, NULL},
    {"{\"type\":\"chat\",\"id\":9,\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_ID, NULL},
    {"{\"type\":\"chat\",\"destination\":\"bob\",\"message\":1}", ERR_INVALID_FRAME, NULL},
    {"{\"type\":\"shout\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_TYPE,
     "m-1"},
    {"{\"type\":3,\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_TYPE, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\",\"metadata\":[]}",
     ERR_INVALID_METADATA, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\",\"resend\":1}",
     ERR_INVALID_FRAME, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\",\"stored\":\"yes\"}",
     ERR_INVALID_FRAME, "m-1"},
    {"{\"type\":\"chat\",\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\",\"resend\":null}", ERR_OK,
     NULL},
    {"{\"id\":\"m-1\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_OK, NULL},
    {"{\"type\":\"command\",\"destination\":\"thermometer1\",\"message\":\"!subscribe\"}", ERR_OK, NULL},
    {"{\"type\":\"command\",\"id\":\"m-1\",\"destination\":\"bob\",\"command\":\"ping\"}", ERR_INVALID_FRAME,
     "m-1"},
};

static void test_what_the_server_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof to_server / sizeof to_server[0]; i++) {
        char id[ID_SIZE] = "garbage";
        err_t err = parse(to_server[i].line, FRAME_SIDE_SERVER, id);
        if (err != to_server[i].err)
            fail_msg("%s: %s", to_server[i].line, err_code(err));
        assert_string_equal(id, to_server[i].id == NULL ? "" : to_server[i].id);
        assert_int_equal(parse(to_server[i].line, FRAME_SIDE_SERVER, NULL), err);
    }
}

#define MESSAGE(more)                                                                                        \
    "{\"type\":\"chat\",\"id\":\"m-1\",\"sender\":\"a\",\"destination\":\"b\",\"message\":\"x\","            \
    "\"timestamp\":\"" STAMP "\",\"metadata\":{}" more "}"

static const struct {
    const char *line;
    err_t err;
} to_client[] = {
    {MESSAGE(""), ERR_OK},
    {MESSAGE(",\"stored\":0"), ERR_INVALID_FRAME},
    {"{\"type\":\"chat\",\"destination\":\"bob\",\"message\":\"x\"}", ERR_INVALID_ID},
    {"{\"type\":\"login\",\"username\":\"a\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":3}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\"}", ERR_OK},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"online_users\":\"a\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"online_users\":{\"a\":\"b\"}}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"online_users\":[\"a\",1]}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"max_message_bytes\":\"1\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"max_message_bytes\":-1}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"max_message_bytes\":1.5}", ERR_INVALID_FRAME},
    {"{\"type\":\"login_success\",\"username\":\"a\",\"max_message_bytes\":9007199254740993}",
     ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"status\":\"stored\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":4,\"status\":\"stored\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":\"x\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":\"x\",\"status\":1}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":\"x\",\"status\":\"lost\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":\"x\",\"status\":\"rejected\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":\"x\",\"status\":\"rejected\",\"code\":1}", ERR_INVALID_FRAME},
    {"{\"type\":\"receipt\",\"id\":\"x\",\"status\":\"rejected\",\"code\":\"busy\",\"reason\":[]}",
     ERR_INVALID_FRAME},
    {"{\"type\":\"presence\"}", ERR_OK},
    {"{\"type\":\"presence\",\"joined\":1}", ERR_INVALID_FRAME},
    {"{\"type\":\"presence\",\"left\":[null]}", ERR_INVALID_FRAME},
    {"{\"type\":\"presence\",\"online\":\"many\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"error\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"error\",\"code\":1}", ERR_INVALID_FRAME},
    {"{\"type\":\"error\",\"code\":\"busy\",\"message\":1}", ERR_INVALID_FRAME},
    {"{\"type\":\"result\"}", ERR_INVALID_FRAME},
    {"{\"type\":\"result\",\"command\":\"dance\"}", ERR_UNKNOWN_COMMAND},
    {"{\"type\":\"result\",\"command\":\"check\",\"stored\":true}", ERR_INVALID_FRAME},
    {"{\"type\":\"result\",\"command\":\"users\",\"users\":7}", ERR_INVALID_FRAME},
    {"{\"type\":\"result\",\"command\":\"users\",\"online\":[]}", ERR_INVALID_FRAME},
    {"{\"type\":\"partial\",\"destination\":\"b\",\"id\":\"x\",\"text\":\"x\"}", ERR_INVALID_FRAME},
};

static void test_what_a_client_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof to_client / sizeof to_client[0]; i++) {
        err_t err = parse(to_client[i].line, FRAME_SIDE_CLIENT, NULL);
        if (err != to_client[i].err)
            fail_msg("%s: %s", to_client[i].line, err_code(err));
    }
}

static void test_too_long(void **state)
{
    (void)state;
    char text[MAX_BYTES + 2];
    memset(text, 'x', sizeof text);
    text[MAX_BYTES + 1] = '\0';
    for (int more = 0; more < 2; more++) {
        char *line = alloc_format(
            "{\"type\":\"chat\",\"id\":\"big\",\"destination\":\"bob\",\"message\":\"%s\"}", text + 1 - more);
        char id[ID_SIZE];
        assert_int_equal(parse(line, FRAME_SIDE_SERVER, id), more ? ERR_TOO_LONG : ERR_OK);
        assert_string_equal(id, more ? "big" : "");
        free(line);
        line = alloc_format("{\"type\":\"partial\",\"id\":\"big\",\"destination\":\"bob\",\"text\":\"%s\"}",
                            text + 1 - more);
        assert_int_equal(parse(line, FRAME_SIDE_SERVER, NULL), more ? ERR_TOO_LONG : ERR_OK);
        free(line);
    }
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    static const char line[] = MESSAGE(",\"stored\":true");
    for (size_t cut = 0; cut < sizeof line - 1; cut++) {
        char *part = alloc_string_n(line, cut);
        assert_int_equal(parse(part, FRAME_SIDE_CLIENT, NULL), ERR_NOT_JSON);
        free(part);
    }
}

static void test_a_whole_line_or_nothing(void **state)
{
    buffer_t names;

    (void)state;
    names_of(people, 3, &names);
    for (size_t limit = 2; limit < 200; limit++) {
        buffer_t out;
        buffer_init(&out, limit);
        buffer_append_text(&out, "#\n");
        if (frame_write_presence(&out, all_of(&names), all_of(&names), 3) == ERR_OK) {
            assert_int_equal(out.data[out.length - 1], '\n');
            assert_true(out.length > 60);
        } else {
            assert_string_equal(buffer_text(&out), "#\n");
            assert_true(limit < 120);
        }
        size_t before = out.length;
        if (frame_write_partial(&out, FRAME_SIDE_SERVER, "bob", "m-1", "text\n", 5) != ERR_OK)
            assert_int_equal(out.length, before);
        buffer_free(&out);
    }
    buffer_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_write),
        cmocka_unit_test(test_what_the_server_writes),
        cmocka_unit_test(test_receipts),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_plain_writers),
        cmocka_unit_test(test_partials),
        cmocka_unit_test(test_what_the_server_refuses),
        cmocka_unit_test(test_what_a_client_refuses),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_a_whole_line_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
