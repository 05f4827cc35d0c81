#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/alloc.h"
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Larger than any address space; volatile, so that no compiler can see that it fails. */
static volatile size_t too_much = SIZE_MAX / 2;

static void test_strings(void **state)
{
    (void)state;
    char *copy = alloc_string("abc");
    assert_string_equal(copy, "abc");
    free(copy);
    copy = alloc_string_n("abc", 2);
    assert_string_equal(copy, "ab");
    free(copy);
    copy = alloc_string_n("a\0c", 3);
    assert_memory_equal(copy, "a\0c", 4);
    free(copy);
    copy = try_string_n(NULL, 0);
    assert_string_equal(copy, "");
    free(copy);
    copy = alloc_format("%s-%d", "x", 7);
    assert_string_equal(copy, "x-7");
    free(copy);
}

static void test_nothing_is_something(void **state)
{
    (void)state;
    void *pointers[] = {alloc_bytes(0),   try_bytes(0),        alloc_zero(0, 8),
                        alloc_zero(8, 0), try_resize(NULL, 0), try_resize(alloc_bytes(8), 0)};
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        assert_non_null(pointers[i]);
        free(pointers[i]);
    }
}

static void test_zero_and_resize(void **state)
{
    (void)state;
    unsigned char *bytes = alloc_zero(100, 10);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(bytes[i], 0);
    memset(bytes, 7, 1000);
    bytes = alloc_resize(bytes, 5000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(bytes[i], 7);
    free(bytes);
}

static void test_trying(void **state)
{
    (void)state;
    assert_null(try_bytes(too_much));
    assert_null(try_string_n("a", SIZE_MAX));
    char *kept = try_string_n("kept", 4);
    assert_null(try_resize(kept, too_much));
    assert_string_equal(kept, "kept");
    free(kept);
}

static void alloc_too_much(void)
{
    free(alloc_bytes(too_much));
}

static void zero_too_much(void)
{
    free(alloc_zero(too_much, 16));
}

static void resize_too_much(void)
{
    free(alloc_resize(NULL, too_much));
}

/* Does the call end the process with abort()? */
static bool aborts(void (*call)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        call();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_no_memory_is_the_end(void **state)
{
    (void)state;
    assert_true(aborts(alloc_too_much));
    assert_true(aborts(zero_too_much));
    assert_true(aborts(resize_too_much));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_nothing_is_something),
        cmocka_unit_test(test_zero_and_resize),
        cmocka_unit_test(test_trying),
        cmocka_unit_test(test_no_memory_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The sanitizers would end the program where the C library returns NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}
