/* The page's files: only those of the folder, read again when they change. */
#include "ws_adapter/static_files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char folder[64], page[96], outside[96];
    static_files_t *files;
} world_t;

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    world_t *world = calloc(1, sizeof *world);
    char path[256];

    strcpy(world->folder, "/tmp/p2p-static-XXXXXX");
    if (!world || !mkdtemp(world->folder))
        return -1;
    snprintf(world->page, sizeof world->page, "%s/page", world->folder);
    snprintf(world->outside, sizeof world->outside, "%s/secret.txt", world->folder);
    mkdir(world->page, 0755);
    snprintf(path, sizeof path, "%s/js", world->page);
    mkdir(path, 0755);
    write_file(world->folder, "secret.txt", "secret");
    write_file(world->page, "index.html", "<p>one</p>");
    write_file(world->page, "js/main.js", "let x");
    write_file(world->page, ".env", "SECRET=1");
    write_file(world->page, ".hidden.js", "x");
    write_file(world->page, "notes.c", "int x;");
    snprintf(path, sizeof path, "%s/link.txt", world->page);
    assert_int_equal(symlink(world->outside, path), 0);
    snprintf(path, sizeof path, "%s/out", world->page);
    assert_int_equal(symlink(world->folder, path), 0);
    snprintf(path, sizeof path, "%s/folder.js", world->page);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/pipe.js", world->page);
    assert_int_equal(mkfifo(path, 0644), 0);
    world->files = static_files_new("/", world->page);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_t *world = *state;
    char command[128];

    static_files_free(world->files);
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    int status = system(command);
    free(world);
    return status;
}

static void test_files_of_the_page(void **state)
{
    world_t *world = *state;
    static_file_t *index = static_files_get(world->files, "/");
    static_file_t *script = static_files_get(world->files, "/js/main.js");

    assert_non_null(index);
    assert_string_equal(index->type, "text/html; charset=utf-8");
    assert_int_equal(index->length, 10);
    assert_memory_equal(index->data, "<p>one</p>", 10);
    assert_non_null(script);
    assert_string_equal(script->type, "text/javascript; charset=utf-8");
    static_file_release(index);
    static_file_release(script);
}

static void test_nothing_else(void **state)
{
    static const char *const paths[] = {
        "/.env",
        "/.hidden.js",
        "/notes.c",
        "/link.txt",
        "/out/secret.txt",
        "/../secret.txt",
        "/js/../../secret.txt",
        "/js/",
        "/js",
        "/folder.js",
        "/pipe.js",
        "/none.html",
        "//secret.txt",
        "/js//main.js",
        "/js/./main.js",
        "/%2e%2e/secret.txt",
        "/\\..\\secret.txt",
        "/index.html/",
        "/index.html\n",
        "/INDEX.HTML",
        "/etc/passwd",
        "/index.html?x",
        "/js/main.js ",
        "/.txt",
        "",
        "index.html",
    };
    world_t *world = *state;
    char *longest = malloc(100002);

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (static_files_get(world->files, paths[i]))
            fail_msg("served: %s", paths[i]);
    }
    memset(longest, 'a', 100001);
    longest[0] = '/';
    strcpy(longest + 99990, ".js");
    assert_null(static_files_get(world->files, longest));
    free(longest);
}

static void test_a_changed_file_is_read_again(void **state)
{
    world_t *world = *state;
    static_file_t *before = static_files_get(world->files, "/index.html");
    static_file_t *same = static_files_get(world->files, "/");

    assert_ptr_equal(before, same);
    write_file(world->page, "index.html", "<p>two and more</p>");
    static_file_t *after = static_files_get(world->files, "/");
    assert_non_null(after);
    assert_int_equal(after->length, 19);
    assert_string_not_equal(before->etag, after->etag);
    assert_memory_equal(before->data, "<p>one</p>", 10); /* still whole for who is being sent it */
    char path[256];
    snprintf(path, sizeof path, "%s/index.html", world->page);
    assert_int_equal(unlink(path), 0);
    assert_null(static_files_get(world->files, "/"));
    static_file_release(before);
    static_file_release(same);
    static_file_release(after);
}

static void test_freshness(void **state)
{
    world_t *world = *state;
    static_file_t *file = static_files_get(world->files, "/");
    char list[128];

    assert_non_null(file);
    assert_true(static_file_is_fresh(file, file->etag, NULL));
    snprintf(list, sizeof list, "\"other\", W/%s", file->etag);
    assert_true(static_file_is_fresh(file, list, NULL));
    assert_true(static_file_is_fresh(file, "*", NULL));
    assert_true(static_file_is_fresh(file, NULL, file->last_modified));
    assert_true(static_file_is_fresh(file, NULL, "Fri, 01 Jan 2100 00:00:00 GMT"));
    assert_false(static_file_is_fresh(file, NULL, NULL));
    assert_false(static_file_is_fresh(file, NULL, "Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_false(static_file_is_fresh(file, NULL, "yesterday"));
    assert_false(static_file_is_fresh(file, "\"other\"", file->last_modified)); /* the tag counts more */
    snprintf(list, sizeof list, "\"x%s", file->etag);
    assert_false(static_file_is_fresh(file, list, NULL));
    static_file_release(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_of_the_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_file_is_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_freshness, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
