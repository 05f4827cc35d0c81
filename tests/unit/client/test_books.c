/* What the client remembers: who is online, what it sent, what it has not written yet. */
#include "client/completion.h"
#include "client/sent.h"
#include "client/unwritten.h"
#include "common/alloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those four before it */
#include <cmocka.h>

static cJSON *names(const char *json)
{
    cJSON *array = cJSON_Parse(json);
    assert_non_null(array);
    return array;
}

static roster_t *roster_of(const char *json)
{
    roster_t *roster = roster_new();
    cJSON *users = names(json);
    roster_replace(roster, users);
    cJSON_Delete(users);
    return roster;
}

static void test_roster(void **state)
{
    (void)state;
    roster_t *roster = roster_of("[\"alice\",\"bob\",\"two words\",7]");
    assert_int_equal(roster_count(roster), 2); /* what is no username is left out */
    cJSON *joined = names("[\"carol\"]"), *left = names("[\"alice\",\"nobody\"]");
    roster_update(roster, joined, left);
    assert_true(roster_has(roster, "carol"));
    assert_true(roster_has(roster, "bob"));
    assert_false(roster_has(roster, "alice"));
    roster_replace(roster, NULL);
    assert_int_equal(roster_count(roster), 0);
    cJSON_Delete(joined);
    cJSON_Delete(left);
    roster_free(roster);
}

/* All matches, sorted by one insertion each, with a space behind each. */
static void assert_completes(const roster_t *roster, const char *word, size_t count, const char *one)
{
    completion_t completion = {0};
    size_t found = 0;
    bool has_one = one == NULL;
    char *match;
    while ((match = completion_next(&completion, roster, word)) != NULL) {
        found++;
        has_one = has_one || strcmp(match, one) == 0;
        free(match);
    }
    assert_int_equal(found, count);
    assert_true(has_one);
}

static void test_completion(void **state)
{
    (void)state;
    roster_t *roster = roster_of("[\"alice\",\"bob\",\"Bea\",\"eve\"]");
    assert_completes(roster, "al", 1, "alice:");
    assert_completes(roster, "b", 2, "Bea:");
    assert_completes(roster, "", 4, "eve:");
    assert_completes(roster, "e", 2, "exit");
    assert_completes(roster, "!", 3, "!users");
    assert_completes(roster, "!h", 1, "!help");
    assert_completes(roster, "z", 0, NULL);
    assert_completes(roster, "bob:", 0, NULL);
    roster_free(roster);
}

static void add_sent(sent_t *sent, const char *id, const char *text)
{
    message_t message;
    message_make(&message, "alice", "bob", text, strlen(text), MESSAGE_CHAT);
    snprintf(message.id, sizeof message.id, "%s", id);
    sent_add(sent, &message);
    message_free(&message);
}

static void test_sent_forgets_the_oldest(void **state)
{
    (void)state;
    sent_t *sent = sent_new(2);
    add_sent(sent, "1", "first\nline");
    assert_string_equal(sent_find(sent, "1")->excerpt, "first");
    assert_true(sent_find(sent, "1")->cut);
    add_sent(sent, "2", "second");
    assert_false(sent_find(sent, "2")->cut);
    add_sent(sent, "3", "third");
    assert_null(sent_find(sent, "1"));
    assert_string_equal(sent_find(sent, "2")->destination, "bob");
    assert_non_null(sent_find(sent, "3"));

    /* A long text is cut between characters: 95 bytes, then one of two bytes. */
    char text[98];
    memset(text, 'x', 95);
    memcpy(text + 95, "\xc3\xa4", 3);
    add_sent(sent, "4", text);
    assert_int_equal(strlen(sent_find(sent, "4")->excerpt), 95);
    assert_true(sent_find(sent, "4")->cut);
    sent_free(sent);
}

static void test_unwritten_keeps_order(void **state)
{
    (void)state;
    unwritten_t *unwritten = unwritten_new();
    unwritten_item_t item;
    assert_false(unwritten_take(unwritten, 100, &item));
    unsigned added = 0, taken = 0;
    /* Two in, one out, so that it grows and its beginning moves. */
    while (taken < 1000) {
        for (int i = 0; i < 2 && added < 1000; i++) {
            char id[16];
            snprintf(id, sizeof id, "%u", added++);
            unwritten_add(unwritten, "bob", id, added * 10);
        }
        assert_false(unwritten_take(unwritten, taken * 10 + 9, &item)); /* one byte is missing */
        assert_true(unwritten_take(unwritten, taken * 10 + 10, &item));
        assert_int_equal(strtoul(item.id, NULL, 10), taken);
        assert_string_equal(item.sender, "bob");
        taken++;
    }
    assert_false(unwritten_take(unwritten, UINT64_MAX, &item));
    unwritten_free(unwritten);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roster),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_sent_forgets_the_oldest),
        cmocka_unit_test(test_unwritten_keeps_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
