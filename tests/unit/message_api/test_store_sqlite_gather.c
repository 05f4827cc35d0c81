/* What is appended to a WAL comes to the kernel as one write, and nothing of it later than it may. */
#include "message_api/store_sqlite_gather.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char path[64], database[64]; /* whose mode SQLite gives its WAL */
    sqlite3_vfs *vfs;
    sqlite3_file *file;
} world_t;

static void open_file(world_t *world, int kind)
{
    int flags = kind | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    memset(world->file, 0, (size_t)world->vfs->szOsFile);
    assert_int_equal(world->vfs->xOpen(world->vfs, world->path, world->file, flags, NULL), SQLITE_OK);
}

static int before_each(void **state)
{
    world_t *world = calloc(1, sizeof *world);
    snprintf(world->database, sizeof world->database, "/tmp/p2p-gather-%d", getpid());
    snprintf(world->path, sizeof world->path, "/tmp/p2p-gather-%d-wal", getpid());
    fclose(fopen(world->database, "w"));
    assert_int_equal(sqlite_gather_register(), SQLITE_OK);
    assert_int_equal(sqlite_gather_register(), SQLITE_OK);
    sqlite3_initialize();
    world->vfs = sqlite3_vfs_find(SQLITE_GATHER_VFS);
    world->file = malloc((size_t)world->vfs->szOsFile);
    open_file(world, SQLITE_OPEN_WAL);
    *state = world;
    return 0;
}

static int after_each(void **state)
{
    world_t *world = *state;
    assert_int_equal(world->file->pMethods->xClose(world->file), SQLITE_OK);
    unlink(world->path);
    unlink(world->database);
    free(world->file);
    free(world);
    return 0;
}

static off_t size_of(const world_t *world)
{
    struct stat status;
    assert_int_equal(stat(world->path, &status), 0);
    return status.st_size;
}

static void write_at(world_t *world, const char *text, sqlite3_int64 offset)
{
    assert_int_equal(world->file->pMethods->xWrite(world->file, text, (int)strlen(text), offset), SQLITE_OK);
}

static void assert_file(world_t *world, const char *text)
{
    char found[64] = "";
    assert_int_equal(size_of(world), strlen(text));
    FILE *file = fopen(world->path, "r");
    assert_int_equal(fread(found, 1, sizeof found - 1, file), strlen(text));
    fclose(file);
    assert_string_equal(found, text);
}

static void test_is_written_when_synced(void **state)
{
    world_t *world = *state;
    write_at(world, "abc", 0);
    write_at(world, "def", 3);
    assert_int_equal(size_of(world), 0);
    assert_int_equal(world->file->pMethods->xSync(world->file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_file(world, "abcdef");
}

static void test_is_there_for_whoever_asks(void **state)
{
    world_t *world = *state;
    const sqlite3_io_methods *methods = world->file->pMethods;
    char found[8] = "";
    sqlite3_int64 size;
    write_at(world, "abcdef", 0);
    assert_int_equal(methods->xRead(world->file, found, 3, 2), SQLITE_OK);
    assert_string_equal(found, "cde");
    write_at(world, "ghi", 6);
    assert_int_equal(methods->xFileSize(world->file, &size), SQLITE_OK);
    assert_int_equal(size, 9);
    write_at(world, "jkl", 9);
    assert_int_equal(methods->xTruncate(world->file, 10), SQLITE_OK);
    assert_file(world, "abcdefghij");
    write_at(world, "k", 10);
    assert_int_equal(methods->xClose(world->file), SQLITE_OK);
    assert_file(world, "abcdefghijk");
    open_file(world, SQLITE_OPEN_WAL);
}

/* Elsewhere, over what waits, and more than fits. */
static void test_keeps_the_order(void **state)
{
    enum { LARGE = 100000 };
    world_t *world = *state;
    const sqlite3_io_methods *methods = world->file->pMethods;
    write_at(world, "abcdef", 0);
    write_at(world, "XY", 1);
    write_at(world, "Z", 5);
    assert_int_equal(methods->xSync(world->file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_file(world, "aXYdeZ");
    char *large = malloc(LARGE), *found = malloc(LARGE);
    memset(large, 'x', LARGE);
    write_at(world, "12345", 0);
    assert_int_equal(methods->xWrite(world->file, large, LARGE, 5), SQLITE_OK);
    for (int i = 0; i < LARGE; i += 1000)
        assert_int_equal(methods->xWrite(world->file, large, 1000, 5 + LARGE + i), SQLITE_OK);
    assert_int_equal(methods->xRead(world->file, found, LARGE, 5 + LARGE), SQLITE_OK);
    assert_memory_equal(found, large, LARGE);
    assert_int_equal(size_of(world), 5 + 2 * LARGE);
    free(large);
    free(found);
}

/* The commit fails, and what it had is never written behind its back. */
static void test_a_write_that_fails_fails_the_sync(void **state)
{
    world_t *world = *state;
    const sqlite3_io_methods *methods = world->file->pMethods;
    struct rlimit was, none;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    none = was;
    none.rlim_cur = 0;
    write_at(world, "abc", 0);
    setrlimit(RLIMIT_FSIZE, &none);
    assert_int_not_equal(methods->xSync(world->file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(methods->xSync(world->file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_file(world, "");
    write_at(world, "new", 0);
    assert_int_equal(methods->xSync(world->file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_file(world, "new");
}

static void test_leaves_other_files_alone(void **state)
{
    world_t *world = *state;
    world->file->pMethods->xClose(world->file);
    open_file(world, SQLITE_OPEN_MAIN_JOURNAL);
    write_at(world, "abc", 0);
    assert_file(world, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_is_written_when_synced, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_is_there_for_whoever_asks, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_keeps_the_order, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_a_write_that_fails_fails_the_sync, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_leaves_other_files_alone, before_each, after_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
