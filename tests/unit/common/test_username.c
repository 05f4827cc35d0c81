#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/username.h"
#include <stdio.h>
#include <string.h>

static err_t normalise(const char *text, char out[USERNAME_SIZE])
{
    strcpy(out, "untouched");
    err_t err = username_normalise(text, strlen(text), out);
    if (err != ERR_OK)
        assert_string_equal(out, "untouched");
    return err;
}

static void assert_name(const char *text, const char *wanted)
{
    char out[USERNAME_SIZE];
    assert_int_equal(normalise(text, out), ERR_OK);
    assert_string_equal(out, wanted);
}

static void assert_invalid(const char *text)
{
    char out[USERNAME_SIZE];
    if (normalise(text, out) != ERR_USERNAME_INVALID)
        fail_msg("taken: '%s'", text);
}

static void test_taken(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a",
        "Alice_1-x.y",
        "thermometer1",
        "...",
        "\xC3\xA9lodie",                                    /* é */
        "\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD",                 /* Иван */
        "\xE6\x9D\x8E\xE5\xB0\x8F\xE9\xBE\x99",             /* 李小龙 */
        "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D", /* Hindi, with its vowel marks */
        "\xD9\xA3\xD9\xA4",                                 /* Arabic digits */
        "a\xD0\xB1",                                        /* two scripts in one name are allowed */
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_name(names[i], names[i]);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        " alice",
        "alice ",
        "al ice",
        "alice\n",
        "alice\r",
        "al\tice",
        "al:ice",
        "al/ice",
        "al,ice",
        "<alice>",
        "\"alice\"",
        "a\x7F",
        "a\xC2\x9B",           /* a control character of C1 */
        "a\xC2\xA0",           /* a space that doesn't break */
        "a\xE2\x80\xAE",       /* right-to-left override */
        "a\xE2\x81\xA6",       /* isolate */
        "a\xE2\x80\x8F",       /* right-to-left mark */
        "a\xE2\x80\xA8",       /* line separator */
        "a\xE2\x80\x8B",       /* zero width space */
        "a\xE2\x80\x8C",       /* zero width non-joiner */
        "a\xE2\x80\x8D",       /* zero width joiner */
        "a\xEF\xBB\xBF",       /* byte order mark */
        "a\xC2\xAD",           /* soft hyphen */
        "bob\xEF\xB8\x8F",     /* variation selector: looks like bob */
        "bob\xF3\xA0\x84\x80", /* another */
        "bob\xCD\x8F",         /* combining grapheme joiner */
        "bob\xE1\xA0\x8B",     /* Mongolian variation selector */
        "bob\xE1\x9E\xB4",     /* Khmer vowel that is not written */
        "\xE3\x85\xA4",        /* Hangul filler: looks empty */
        "\xEF\xBE\xA0",        /* its half-width form */
        "\xE1\x85\x9F",        /* choseong filler */
        "\xCC\x81z",           /* begins with a mark */
        "\xF0\x9F\x98\x80",    /* an emoji */
        "\xEE\x80\x80",        /* private use */
        "\xE2\x82\xAC",        /* a currency */
        "a\xE2\x88\x95",       /* looks like a slash */
        "\xFF",
        "\xC3",
        "\xC0\xAE",
        "\xED\xA0\x80",
        "a\xC3\x28",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_invalid(names[i]);
    char out[USERNAME_SIZE];
    assert_int_equal(username_normalise("a\0b", 3, out), ERR_USERNAME_INVALID);
}

static void test_one_form(void **state)
{
    (void)state;
    assert_name("e\xCC\x81lodie", "\xC3\xA9lodie");
    assert_name("\xC3\xA9lodie", "\xC3\xA9lodie");
    assert_name("\xE2\x84\xAB", "\xC3\x85");                 /* the Angstrom sign is the letter */
    assert_name("\xE1\x84\x92\xE1\x85\xA1", "\xED\x95\x98"); /* jamo compose a syllable */
}

static void test_length(void **state)
{
    (void)state;
    char name[USERNAME_SIZE * 4] = "";
    for (int i = 0; i < USERNAME_MAX_CHARACTERS; i++)
        strcat(name, "\xF0\xA0\x80\x80"); /* 4 bytes, the longest that there are */
    assert_name(name, name);
    assert_int_equal(strlen(name), USERNAME_SIZE - 1);
    strcat(name, "a");
    assert_invalid(name);
    /* Counted in its one form, not as it was typed. */
    name[0] = '\0';
    for (int i = 0; i < USERNAME_MAX_CHARACTERS; i++)
        strcat(name, "e\xCC\x81");
    char out[USERNAME_SIZE];
    assert_int_equal(normalise(name, out), ERR_OK);
    assert_int_equal(strlen(out), USERNAME_MAX_CHARACTERS * 2);
    strcat(name, "e\xCC\x81");
    assert_invalid(name);
    /* This one gets longer: one character becomes three. */
    name[0] = '\0';
    for (int i = 0; i < USERNAME_MAX_CHARACTERS; i++)
        strcat(name, "\xEF\xAC\xAC");
    assert_invalid(name);
}

static void test_reserved(void **state)
{
    (void)state;
    static const char *const names[] = {
        "server",
        "SERVER",
        "Server",
        "system",
        "all",
        "ALL",
        "to_all",
        "TO_ALL",
        "\xEF\xBD\x81ll",                                                           /* full-width a */
        "\xEF\xBD\x93\xEF\xBD\x85\xEF\xBD\x92\xEF\xBD\x96\xEF\xBD\x85\xEF\xBD\x92", /* full-width server */
        "\305\277erver",                                                            /* long s */
        "s\xD0\xB5rver",                                                            /* Cyrillic e */
    };
    char out[USERNAME_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(normalise(names[i], out), ERR_USERNAME_RESERVED);
    assert_name("server1", "server1");
    assert_name("allen", "allen");
}

static void test_destination(void **state)
{
    (void)state;
    static const char *const everyone[] = {"all", "All", "TO_ALL", "to_all", "\xEF\xBD\x81ll"};
    char out[USERNAME_SIZE];
    for (size_t i = 0; i < sizeof everyone / sizeof everyone[0]; i++) {
        assert_int_equal(username_normalise_destination(everyone[i], strlen(everyone[i]), out), ERR_OK);
        assert_string_equal(out, "all");
    }
    assert_int_equal(username_normalise_destination("Bob", 3, out), ERR_OK);
    assert_string_equal(out, "Bob");
    assert_int_equal(username_normalise_destination("server", 6, out), ERR_USERNAME_RESERVED);
    assert_int_equal(username_normalise_destination("", 0, out), ERR_USERNAME_INVALID);
}

static bool same_key(const char *a, const char *b)
{
    char first[USERNAME_SIZE], second[USERNAME_SIZE], key[USERNAME_KEY_SIZE], other[USERNAME_KEY_SIZE];
    assert_int_equal(normalise(a, first), ERR_OK);
    assert_int_equal(normalise(b, second), ERR_OK);
    username_key(first, key);
    username_key(second, other);
    return strcmp(key, other) == 0;
}

static void test_key(void **state)
{
    (void)state;
    assert_true(same_key("alice", "ALICE"));
    assert_true(same_key("\xC3\x89lodie", "e\xCC\x81LODIE"));
    assert_true(same_key("stra\xC3\x9F"
                         "e",
                         "STRASSE"));
    assert_true(same_key("\xCE\xA3", "\xCF\x82")); /* sigma, and as a word ends */
    assert_true(same_key("\xD0\x98", "\xD0\xB8"));
    assert_false(same_key("alice", "alice1"));
    assert_false(same_key("alice", "al.ice"));
    assert_false(same_key("e", "\xC3\xA9"));
    assert_false(same_key("\xD0\xB6", "\xD1\x89")); /* letters that look like no Latin one */
    /* The longest: every character folds to three. */
    char name[USERNAME_SIZE] = "", key[USERNAME_KEY_SIZE];
    for (int i = 0; i < USERNAME_MAX_CHARACTERS; i++)
        strcat(name, "\xCE\x90");
    memset(key, 'x', sizeof key);
    username_key(name, key);
    assert_in_range(strlen(key), USERNAME_MAX_CHARACTERS, USERNAME_KEY_SIZE - 1);
}

/* Nobody is online together with somebody who looks the same. */
static void test_lookalikes(void **state)
{
    (void)state;
    assert_true(same_key("alice", "\xD0\xB0lice"));           /* Cyrillic a */
    assert_true(same_key("alice", "\xEF\xBD\x81lice"));       /* full-width a */
    assert_true(same_key("alice", "\xF0\x9D\x90\x9Alice"));   /* mathematical a */
    assert_true(same_key("BOB", "\xD0\x92\xD0\x9E\xD0\x92")); /* Cyrillic alone */
    assert_true(same_key("coco", "\xD1\x81\xD0\xBE\xD1\x81\xD0\xBE"));
    assert_true(same_key("Toto", "\xCE\xA4\xCE\xBF\xCF\x84\xCE\xBF")); /* Greek */
    assert_true(same_key("zo\xC3\xAB", "zo\xD1\x91"));                 /* with its diaeresis */
    assert_true(same_key("fi", "\xEF\xAC\x81"));                       /* a ligature */
    assert_true(username_in_list("open\xD0\xB0i", "thermometer1,openai"));
    assert_true(username_in_list("\xEF\xBD\x8F\xEF\xBD\x90\xEF\xBD\x85\xEF\xBD\x8E\xEF\xBD\x81\xEF\xBD\x89",
                                 "thermometer1,openai"));
}

static void test_list(void **state)
{
    (void)state;
    assert_true(username_in_list("openai", "thermometer1,openai"));
    assert_true(username_in_list("OpenAI", " thermometer1 ,\topenai "));
    assert_true(username_in_list("thermometer1", "thermometer1"));
    assert_true(username_in_list("a", ",,not a name,a,"));
    assert_false(username_in_list("open", "thermometer1,openai"));
    assert_false(username_in_list("openai2", "thermometer1,openai"));
    assert_false(username_in_list("openai", ""));
    assert_false(username_in_list("openai", NULL));
    assert_false(username_in_list("a", ",,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),  cmocka_unit_test(test_refused),    cmocka_unit_test(test_one_form),
        cmocka_unit_test(test_length), cmocka_unit_test(test_reserved),   cmocka_unit_test(test_destination),
        cmocka_unit_test(test_key),    cmocka_unit_test(test_lookalikes), cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
