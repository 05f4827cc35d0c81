#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include "common/dotenv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value; /* of A */
    } cases[] = {
        {"A=b", "b"},
        {"A=", ""},
        {"A= ", ""},
        {"A=b c", "b c"},
        {"  A = b  ", "b"},
        {"\tA=b\t", "b"},
        {"export A=b", "b"},
        {"export\tA=b", "b"},
        {"export  A = 'b' ", "b"},
        {"A=b\r", "b"},
        {"A='b'\r", "b"},
        {"A=b # comment", "b"},
        {"A=b# no comment", "b# no comment"},
        {"A=#comment", ""},
        {"A= # comment", ""},
        {"A='b # c' # d", "b # c"},
        {"A=\"b # c\"#d", "b # c"},
        {"A='b\\n\"c'", "b\\n\"c"},
        {"A=\"b\\n\\t\\\"\\\\\\$'c\"", "b\n\t\"\\$'c"},
        {"A=''", ""},
        {"A=\"\"", ""},
        {"A=b=c", "b=c"},
        {"A=http://h:1/?a=b&c=d", "http://h:1/?a=b&c=d"},
        {"A=it's", "it's"},
        {"A=$HOME `x`", "$HOME `x`"},
        {"A=caf\xC3\xA9", "caf\xC3\xA9"},
        {"\xEF\xBB\xBF"
         "A=b",
         "b"},
        {"A=first\nA=last", "last"},
        {"# A=no\n\n \t\n\r\nA=b\n#", "b"},
        {"exportA=x\nA=b", "b"},
        {"A=b\nexport=x", "b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int newline = 0; newline < 2; newline++) {
            char *text = alloc_format("%s%s", cases[i].line, newline ? "\n" : "");
            size_t length = strlen(text);
            char *exact = alloc_bytes(length); /* no NUL behind it */
            memcpy(exact, text, length);
            dotenv_t *dotenv = NULL;
            int line = -1;
            if (dotenv_parse(exact, length, &dotenv, &line) != ERR_OK)
                fail_msg("refused: %s", cases[i].line);
            assert_int_equal(line, 0);
            const char *value = dotenv_get(dotenv, "A");
            if (value == NULL || strcmp(value, cases[i].value) != 0)
                fail_msg("%s: read as '%s'", cases[i].line, value);
            assert_null(dotenv_get(dotenv, "a"));
            assert_null(dotenv_get(dotenv, "B"));
            dotenv_free(dotenv);
            free(exact);
            free(text);
        }
    }
}

static void test_errors_name_their_line(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "no assignment", "=b",        "1A=b",  "A B=c",   "A-B=c",      "A",      "export",
        "export A",      "A='b",      "A=\"b", "A=\"b\\", "A=\"b\\\"",  "A='b'c", "A='b' c",
        "A=\"b\" \"c\"", "export =b", "A.B=c", "\xFF=b",  "export A B",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (int at = 1; at <= 3; at++) {
            char *text = alloc_format("%s%s\nOK=secret\n",
                                      at == 1   ? ""
                                      : at == 2 ? "X=1\n"
                                                : "X=1\n\r\n",
                                      lines[i]);
            dotenv_t *dotenv = NULL;
            int line = -1;
            if (dotenv_parse(text, strlen(text), &dotenv, &line) != ERR_INVALID_SETTING)
                fail_msg("accepted: %s", lines[i]);
            assert_null(dotenv);
            assert_int_equal(line, at);
            assert_int_equal(dotenv_parse(text, strlen(text), &dotenv, NULL), ERR_INVALID_SETTING);
            free(text);
        }
    }
    int line = 0;
    dotenv_t *dotenv;
    assert_int_equal(dotenv_parse("A=b\nC=d\0e\n", 10, &dotenv, &line), ERR_INVALID_SETTING);
    assert_int_equal(line, 2);
}

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_dotenv.XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = alloc_format("%s/.env", folder);
    dotenv_t *dotenv = NULL;
    int line = -1;
    assert_int_equal(dotenv_load(path, &dotenv, &line), ERR_OK);
    assert_null(dotenv_get(dotenv, "A"));
    dotenv_free(dotenv);
    write_file(path, "A=b\nC='d'", 9);
    assert_int_equal(dotenv_load(path, &dotenv, &line), ERR_OK);
    assert_string_equal(dotenv_get(dotenv, "A"), "b");
    assert_string_equal(dotenv_get(dotenv, "C"), "d");
    dotenv_free(dotenv);
    write_file(path, "A=b\nrubbish\n", 12);
    assert_int_equal(dotenv_load(path, &dotenv, &line), ERR_INVALID_SETTING);
    assert_int_equal(line, 2);
    char *large = alloc_bytes(64 * 1024 + 1);
    memset(large, '#', 64 * 1024 + 1);
    write_file(path, large, 64 * 1024);
    assert_int_equal(dotenv_load(path, &dotenv, &line), ERR_OK);
    dotenv_free(dotenv);
    write_file(path, large, 64 * 1024 + 1);
    assert_int_equal(dotenv_load(path, &dotenv, &line), ERR_TOO_LONG);
    assert_int_equal(line, 0);
    free(large);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(dotenv_load(path, &dotenv, &line), ERR_IO);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    free(path);
    dotenv_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors_name_their_line),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
