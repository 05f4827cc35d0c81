#include "common/alloc.h"
#include "server/limits.h"
#include "server/session.h"
#include "server/users.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CROWD = LIMIT_NAMES_JSON + 100 };

/* A session as far as this module looks at it. */
static session_t *make_session(int number)
{
    session_t *session = alloc_new(session_t);

    session->mailbox = alloc_zero(1, sizeof(mailbox_t) + USERNAME_SIZE);
    snprintf(session->mailbox->username, USERNAME_SIZE, "user%d", number);
    return session;
}

static void free_session(session_t *session)
{
    free(session->mailbox);
    free(session);
}

static void add(users_t *users, session_t *session)
{
    assert_true(users_add(users, session, session_username(session)));
}

static void leave(users_t *users, session_t *session)
{
    users_remove(users, session, session_username(session));
}

/* The list for people, against a look at all of them. */
static void expect_oldest(users_t *users)
{
    const char *names[LIMIT_NAMES_TEXT], *at;
    const session_t *last = users_first(users);

    if (users_count(users) < LIMIT_NAMES_TEXT)
        return;
    while (users_next(last))
        last = users_next(last);
    at = users_oldest(users);
    size_t count = users_names(users, last, names, LIMIT_NAMES_TEXT);
    assert_int_equal(count, LIMIT_NAMES_TEXT);
    for (size_t i = 0; i + 1 < count; i++) {
        assert_memory_equal(at, names[i], strlen(names[i]));
        at += strlen(names[i]);
        if (i + 2 < count)
            assert_memory_equal(at, ", ", 2);
        at += i + 2 < count ? 2 : 0;
    }
    assert_string_equal(at, "");
}

/* What the newest one is told, against a look at all of them. */
static void expect_others(users_t *users, const session_t *newest)
{
    buffer_t expected;
    size_t count = 0;

    buffer_init(&expected, 0);
    for (session_t *other = users_first(users); other && count < LIMIT_NAMES_JSON - 1;
         other = users_next(other)) {
        if (other == newest)
            continue;
        frame_append_name(&expected, session_username(other));
        count++;
    }
    frame_names_t others = users_others(users, newest);
    assert_int_equal(others.length, expected.length);
    if (others.length > 0)
        assert_memory_equal(others.text, expected.data, expected.length);
    buffer_free(&expected);
    expect_oldest(users);
}

static void test_others_while_a_crowd_comes_and_goes(void **state)
{
    users_t *users = users_new();
    session_t *sessions[CROWD];

    (void)state;
    for (int i = 0; i < CROWD; i++) {
        sessions[i] = make_session(i);
        add(users, sessions[i]);
        expect_others(users, sessions[i]);
    }
    for (int i = 0; i < CROWD; i += 7) { /* old ones and new ones, and the first of all */
        leave(users, sessions[i]);
        add(users, sessions[i]);
        expect_others(users, sessions[i]);
    }
    for (int i = 1; i < CROWD; i++)
        leave(users, sessions[i]);
    leave(users, sessions[0]);
    add(users, sessions[0]);
    expect_others(users, sessions[0]);
    leave(users, sessions[0]);
    for (int i = 0; i < CROWD; i++)
        free_session(sessions[i]);
    users_free(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_others_while_a_crowd_comes_and_goes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
