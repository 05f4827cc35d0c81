#include "common/atomic_file.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[128], temporary[160];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/p2p-atomic-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/data/state.json", folder);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    return 0;
}

static int tear_down(void **state)
{
    char data[128];

    (void)state;
    snprintf(data, sizeof(data), "%s/data", folder);
    unlink(path);
    unlink(temporary);
    rmdir(data);
    return rmdir(folder);
}

static void assert_content(const char *expected)
{
    buffer_t content;

    buffer_init(&content, 0);
    assert_int_equal(atomic_file_read(path, 1000, &content), ERR_OK);
    assert_string_equal(buffer_text(&content), expected);
    buffer_free(&content);
}

static void test_write_and_read(void **state)
{
    struct stat status;
    char data[128];

    (void)state;
    assert_int_equal(atomic_file_write(path, "first", 5), ERR_OK);
    assert_content("first");
    assert_int_equal(atomic_file_write(path, "2", 1), ERR_OK);
    assert_content("2");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    snprintf(data, sizeof(data), "%s/data", folder);
    assert_int_equal(stat(data, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(access(temporary, F_OK), -1);
}

/* A crash may have left any rubbish there. */
static void test_temporary_left_behind(void **state)
{
    (void)state;
    assert_int_equal(atomic_file_write(path, "old", 3), ERR_OK);
    FILE *file = fopen(temporary, "w");
    assert_non_null(file);
    fputs("a part of something longer", file);
    fclose(file);
    assert_content("old");
    assert_int_equal(atomic_file_write(path, "new", 3), ERR_OK);
    assert_content("new");
}

static void test_read_limits(void **state)
{
    buffer_t content;

    (void)state;
    buffer_init(&content, 0);
    assert_int_equal(atomic_file_read(path, 1000, &content), ERR_NOT_FOUND);
    assert_int_equal(atomic_file_write(path, "12345", 5), ERR_OK);
    assert_int_equal(buffer_append_text(&content, "before "), ERR_OK);
    assert_int_equal(atomic_file_read(path, 4, &content), ERR_TOO_LONG);
    assert_string_equal(buffer_text(&content), "before ");
    assert_int_equal(atomic_file_read(path, 5, &content), ERR_OK);
    assert_string_equal(buffer_text(&content), "before 12345");
    assert_int_equal(atomic_file_read(folder, 1000, &content), ERR_IO);
    buffer_free(&content);
}

/* A write that fails half-way: the old content is all there, and no rest lies about. */
static void test_failed_write(void **state)
{
    const struct rlimit small = {1000, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    char large[5000];

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(atomic_file_write(path, "old", 3), ERR_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    err_t err = atomic_file_write(path, large, sizeof(large));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(err, ERR_IO);
    assert_content("old");
    assert_int_equal(access(temporary, F_OK), -1);
}

static void test_impossible_paths(void **state)
{
    char name[6000];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(atomic_file_write(name, "x", 1), ERR_TOO_LONG);
    assert_int_equal(atomic_file_write("/proc/nowhere/state", "x", 1), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_temporary_left_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_write, set_up, tear_down),
        cmocka_unit_test(test_impossible_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
