#include "launcher/log_file.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char path[64];
    int folder;
} place_t;

static int make_place(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    strcpy(place->path, "/tmp/p2p-logs-XXXXXX");
    if (mkdtemp(place->path) == NULL || rmdir(place->path) != 0)
        return -1;
    *state = place;
    return log_folder_open(place->path, &place->folder) == ERR_OK ? 0 : -1;
}

static int remove_place(void **state)
{
    place_t *place = *state;
    static const char *const names[] = {"a.log", "a.log.1", "a.log.2", "a.log.3", "a.log.4", "target"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(place->folder, names[i], 0);
    int status = rmdir(place->path);
    close(place->folder);
    free(place);
    return status;
}

static void assert_content(const place_t *place, const char *name, const char *expected)
{
    char content[256] = "";
    int file = openat(place->folder, name, O_RDONLY);
    assert_true(file >= 0);
    ssize_t count = read(file, content, sizeof content - 1);
    close(file);
    assert_true(count >= 0);
    assert_string_equal(content, expected);
}

static mode_t mode_of(const place_t *place, const char *name)
{
    struct stat status;
    assert_int_equal(fstatat(place->folder, name, &status, 0), 0);
    return status.st_mode & 07777;
}

static void write_text(log_file_t *log, const char *text)
{
    log_file_write(log, text, strlen(text));
}

static void test_only_its_owner_can_read_it(void **state)
{
    place_t *place = *state;
    log_file_t log;
    int other;
    mode_t before = umask(0);
    log_file_open(&log, place->folder, "a.log", 100);
    write_text(&log, "one\n");
    log_file_close(&log);
    assert_int_equal(mode_of(place, "."), 0700);
    assert_int_equal(mode_of(place, "a.log"), 0600);

    /* Also when it is already there with another mode. */
    assert_int_equal(fchmodat(place->folder, "a.log", 0644, 0), 0);
    assert_int_equal(chmod(place->path, 0755), 0);
    assert_int_equal(log_folder_open(place->path, &other), ERR_OK);
    close(other);
    log_file_open(&log, place->folder, "a.log", 100);
    write_text(&log, "two\n");
    log_file_close(&log);
    umask(before);
    assert_int_equal(mode_of(place, "."), 0700);
    assert_int_equal(mode_of(place, "a.log"), 0600);
    assert_content(place, "a.log", "one\ntwo\n");
}

static void test_a_full_file_is_set_aside_and_three_are_kept(void **state)
{
    place_t *place = *state;
    log_file_t log;
    log_file_open(&log, place->folder, "a.log", 10);
    for (char c = '1'; c <= '6'; c++) {
        char line[] = "file ?\nmore\n";
        line[5] = c;
        write_text(&log, line);
    }
    log_file_close(&log);
    assert_content(place, "a.log", "file 6\nmore\n");
    assert_content(place, "a.log.1", "file 5\nmore\n");
    assert_content(place, "a.log.2", "file 4\nmore\n");
    assert_content(place, "a.log.3", "file 3\nmore\n");
    assert_int_equal(faccessat(place->folder, "a.log.4", F_OK, 0), -1);
    assert_int_equal(mode_of(place, "a.log.1"), 0600);
}

static void test_a_line_stays_in_one_file(void **state)
{
    place_t *place = *state;
    log_file_t log;
    log_file_open(&log, place->folder, "a.log", 10);
    write_text(&log, "a line that is longer");
    write_text(&log, " than the limit\n");
    write_text(&log, "next\n");
    log_file_close(&log);
    assert_content(place, "a.log.1", "a line that is longer than the limit\n");
    assert_content(place, "a.log", "next\n");
}

static void test_it_goes_on_in_a_file_that_is_there(void **state)
{
    place_t *place = *state;
    log_file_t log;
    log_file_open(&log, place->folder, "a.log", 8);
    write_text(&log, "12345\n");
    log_file_close(&log);
    log_file_open(&log, place->folder, "a.log", 8);
    write_text(&log, "6789\n");
    write_text(&log, "new\n");
    log_file_close(&log);
    assert_content(place, "a.log.1", "12345\n6789\n");
    assert_content(place, "a.log", "new\n");
}

static void test_others_may_write_to_its_descriptor(void **state)
{
    place_t *place = *state;
    log_file_t log;
    log_file_open(&log, place->folder, "a.log", 8);
    assert_int_equal(write(log_file_descriptor(&log), "123456789\n", 10), 10);
    assert_int_equal(write(log_file_descriptor(&log), "new\n", 4), 4);
    log_file_close(&log);
    assert_content(place, "a.log.1", "123456789\n");
    assert_content(place, "a.log", "new\n");
}

static void test_what_cannot_be_written_is_told_and_passes(void **state)
{
    place_t *place = *state;
    log_file_t log;
    /* A name that somebody made a link of is not followed. */
    assert_int_equal(symlinkat("target", place->folder, "a.log"), 0);
    log_file_open(&log, place->folder, "a.log", 100);
    assert_int_equal(log.error, ELOOP);
    write_text(&log, "lost\n");
    assert_int_equal(log.error, ELOOP);
    assert_int_equal(faccessat(place->folder, "target", F_OK, 0), -1);
    assert_int_equal(unlinkat(place->folder, "a.log", 0), 0);
    write_text(&log, "kept\n");
    assert_int_equal(log.error, 0);
    log_file_close(&log);
    assert_content(place, "a.log", "kept\n");
}

static void test_a_folder_is_for_one_launcher(void **state)
{
    place_t *place = *state;
    int other;
    assert_true(log_folder_lock(place->folder));
    assert_int_equal(log_folder_open(place->path, &other), ERR_OK);
    assert_false(log_folder_lock(other));
    close(other);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_only_its_owner_can_read_it),
        IN_PLACE(test_a_full_file_is_set_aside_and_three_are_kept),
        IN_PLACE(test_a_line_stays_in_one_file),
        IN_PLACE(test_it_goes_on_in_a_file_that_is_there),
        IN_PLACE(test_others_may_write_to_its_descriptor),
        IN_PLACE(test_what_cannot_be_written_is_told_and_passes),
        IN_PLACE(test_a_folder_is_for_one_launcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
