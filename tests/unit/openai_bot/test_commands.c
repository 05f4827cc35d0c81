#include "common/alloc.h"
#include "common/atomic_file.h"
#include "openai_bot/commands.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char folder[64];
    log_t log;
    books_t *books;
    buffer_t out;
} world_t;

static void open_books(world_t *world)
{
    books_options_t options = {.folder = world->folder,
                               .usual = personalities_at(0),
                               .memory_tokens = 1000,
                               .user_tokens = 500,
                               .log = &world->log};

    world->books = books_open(&options);
    assert_non_null(world->books);
}

static int set_up(void **state)
{
    world_t *world = alloc_new(world_t);

    strcpy(world->folder, "/tmp/p2p-bot-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    log_init(&world->log, "test", LOG_ERROR);
    buffer_init(&world->out, 0);
    open_books(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_t *world = *state;
    static const char *const names[] = {"openai_users.json", "openai_budget.json"};

    for (size_t i = 0; i < 2; i++) {
        char *path = alloc_format("%s/%s", world->folder, names[i]);
        unlink(path);
        free(path);
    }
    assert_int_equal(rmdir(world->folder), 0); /* nothing else was left there */
    books_free(world->books);
    buffer_free(&world->out);
    free(world);
    return 0;
}

/* What the command says; fails when the text is none. */
static const char *say(world_t *world, const char *user, const char *id, const char *text)
{
    parsed_command_t command;

    assert_true(commands_parse(text, strlen(text), &command));
    buffer_clear(&world->out);
    assert_int_equal(commands_run(&command, world->books, user, id, &world->out), ERR_OK);
    return buffer_text(&world->out);
}

static void only_commands_are_commands(void **state)
{
    static const char *const commands[] = {
        "help",   "INFO",  "  Help \t", "\npersonality", "Personality  ANGRY ", "personality nobody",
        "rotate", "reset", "usage"};
    static const char *const questions[] = {
        "",          " ",     "help me",      "helpp",         "personality of a cat",
        "rotate it", "!help", "reset\nusage", "what is usage?"};
    parsed_command_t command;

    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        assert_true(commands_parse(commands[i], strlen(commands[i]), &command));
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        assert_false(commands_parse(questions[i], strlen(questions[i]), &command));
    assert_false(commands_parse("help me", 7, &command));
    assert_true(commands_parse("help me", 4, &command)); /* the length counts */
}

static void help_lists_everything(void **state)
{
    static const char *const words[] = {"help",
                                        "info",
                                        "personality NAME",
                                        "rotate",
                                        "reset",
                                        "usage",
                                        "personality happy",
                                        "personality angry",
                                        "personality spanish"};
    const char *text = say(*state, "alice", "1", "Help");

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_non_null(strstr(text, words[i]));
    char *help = alloc_string(text);
    assert_string_equal(say(*state, "alice", "2", " info"), help);
    free(help);
}

static void personalities_are_each_users_own_and_survive(void **state)
{
    world_t *world = *state;

    assert_non_null(strstr(say(world, "alice", "1", "personality ANGRY"), "Personality: angry."));
    assert_non_null(strstr(say(world, "bob", "1", "rotate"), "Personality: angry."));
    assert_non_null(strstr(say(world, "bob", "2", "rotate"), "Personality: spanish."));
    assert_non_null(strstr(say(world, "carol", "1", "personality"),
                           "Personality: happy. There are: happy, angry, spanish."));
    assert_non_null(strstr(say(world, "carol", "2", "personality evil"), "happy, angry, spanish"));
    books_free(world->books);
    open_books(world);
    assert_non_null(strstr(say(world, "alice", "3", "personality"), "Personality: angry."));
    assert_non_null(strstr(say(world, "bob", "3", "personality"), "Personality: spanish."));
    assert_non_null(strstr(say(world, "carol", "3", "personality"), "Personality: happy."));
    /* The message comes again, because nobody could say got: it changes nothing, and is answered alike. */
    assert_non_null(strstr(say(world, "bob", "2", "rotate"), "Personality: spanish."));
    assert_non_null(strstr(say(world, "bob", "1", "rotate"), "Personality: spanish."));
    assert_non_null(strstr(say(world, "bob", "4", "rotate"), "Personality: happy."));
}

static void reset_and_usage(void **state)
{
    world_t *world = *state;
    user_t *user = users_get(books_users(world->books), "alice");
    reservation_t reservation;

    conversation_add(user->conversation, "question", "answer");
    assert_int_equal(books_reserve(world->books, "alice", 480, &reservation), BOOKS_OK);
    assert_non_null(strstr(say(world, "alice", "1", "usage"),
                           "used 480 of 500 tokens, and all users together 480 tokens, without a limit. "));
    assert_non_null(strstr(buffer_text(&world->out), "I remember 1 of our"));
    say(world, "alice", "2", "reset");
    assert_int_equal(conversation_turns(user->conversation), 0);
    assert_int_equal(user->resets, 1);

    /* As after a crash: what was reserved and never settled counts. */
    books_free(world->books);
    open_books(world);
    assert_int_equal(books_reserve(world->books, "alice", 30, &reservation), BOOKS_USER_SPENT);
    assert_int_equal(books_reserve(world->books, "alice", 20, &reservation), BOOKS_OK);
    books_settle(world->books, "alice", &reservation, 5);
    books_free(world->books);
    open_books(world);
    assert_non_null(strstr(say(world, "alice", "3", "usage"), "used 485 of 500"));
}

static void damaged_files_are_not_overwritten(void **state)
{
    world_t *world = *state;
    books_options_t options = {.folder = world->folder, .usual = personalities_at(0), .log = &world->log};
    char *path = alloc_format("%s/openai_users.json", world->folder);
    static const char *const damaged[] = {"", "{\"users\":[{\"name\":\"a b\",\"applied\":[]}]}",
                                          "{\"users\":[{\"name\":\"a\",\"applied\":[\"x y\"]}]}",
                                          "{\"users\":7}"};
    static const char good[] = "{\"users\":[{\"name\":\"a\",\"personality\":\"gone\",\"applied\":[]}]}";

    world->log.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        assert_int_equal(atomic_file_write(path, damaged[i], strlen(damaged[i])), ERR_OK);
        assert_null(books_open(&options));
    }
    close(world->log.descriptor);
    assert_int_equal(atomic_file_write(path, good, sizeof(good) - 1), ERR_OK);
    books_t *books = books_open(&options);
    assert_non_null(books);
    assert_ptr_equal(users_get(books_users(books), "a")->personality, personalities_at(0));
    books_free(books);
    free(path);
}

static void users_are_bounded(void **state)
{
    users_t *users = users_new(personalities_at(0), 100);
    char name[16];

    (void)state;
    users_get(users, "alice")->personality = personalities_at(1);
    users_get(users, "bob");
    for (int i = 0; i < USERS_MAX - 2; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        users_get(users, name);
    }
    users_get(users, "alice"); /* a sign of life */
    users_get(users, "more");  /* bob goes */
    assert_int_equal(users_count(users), USERS_MAX);
    assert_ptr_equal(users_get(users, "alice")->personality, personalities_at(1));
    users_free(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_commands_are_commands),
        cmocka_unit_test_setup_teardown(help_lists_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(personalities_are_each_users_own_and_survive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reset_and_usage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_are_not_overwritten, set_up, tear_down),
        cmocka_unit_test(users_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
