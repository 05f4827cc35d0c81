#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/hash.h"
#include "common/id.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 20000, THREADS = 4 };

static void test_valid(void **state)
{
    (void)state;
    char longest[ID_MAX + 2];
    memset(longest, 'x', sizeof longest);
    assert_true(id_is_valid("a", 1));
    assert_true(id_is_valid("-_AZaz09", 8));
    assert_true(id_is_valid(longest, ID_MAX));
    assert_false(id_is_valid(longest, ID_MAX + 1));
    assert_false(id_is_valid("", 0));
    for (int c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        bool wanted = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '_';
        assert_int_equal(id_is_valid(text, 3), wanted);
    }
}

static void test_form_and_order(void **state)
{
    (void)state;
    char last[ID_UUID_SIZE] = "", id[ID_UUID_SIZE];
    time_t before = time(NULL);
    for (int i = 0; i < MANY; i++) {
        id_mint(id);
        assert_int_equal(strlen(id), ID_UUID_SIZE - 1);
        assert_true(id_is_valid(id, strlen(id)));
        assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
        assert_int_equal(id[14], '7');
        assert_non_null(strchr("89ab", id[19]));
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
    }
    /* The first 48 bits are milliseconds. */
    char hex[13];
    memcpy(hex, id, 8);
    memcpy(hex + 8, id + 9, 4);
    hex[12] = '\0';
    assert_in_range(strtoull(hex, NULL, 16) / 1000, before, time(NULL) + 60);
}

static void test_series(void **state)
{
    (void)state;
    enum { MILLISECOND = 0x190ABCD };
    id_series_t series = {0};
    char id[ID_UUID_SIZE], last[ID_UUID_SIZE];
    id_series_next(&series, MILLISECOND, last);
    assert_memory_equal(last, "00000190-abcd-7", 15); /* the first 48 bits are the time */
    for (int i = 0; i < MANY; i++) {
        id_series_next(&series, MILLISECOND - (uint64_t)(i % 3), id); /* the clock may go back */
        assert_true(strcmp(last, id) < 0);
        assert_memory_equal(id, last, 24); /* one millisecond */
        assert_true(id_is_valid(id, strlen(id)) && strlen(id) == ID_UUID_SIZE - 1);
        memcpy(last, id, sizeof last);
    }
    id_series_next(&series, MILLISECOND + 1, id);
    assert_true(strcmp(last, id) < 0);
    memcpy(series.text + 24, "7ffffffffffe",
           12); /* carries, and what follows the last one of a millisecond */
    id_series_next(&series, 0, id);
    assert_string_equal(id + 24, "7fffffffffff");
    id_series_next(&series, 0, id);
    assert_string_equal(id + 24, "800000000000");
    memcpy(series.text + 24, "ffffffffffff", 12);
    memcpy(last, series.text, sizeof last);
    id_series_next(&series, 0, id);
    assert_true(strcmp(last, id) < 0);
    assert_int_equal(series.milliseconds, MILLISECOND + 2);
}

static void *mint_many(void *context)
{
    char(*ids)[ID_UUID_SIZE] = context;
    for (int i = 0; i < MANY; i++)
        id_mint(ids[i]);
    return NULL;
}

static void test_several_threads(void **state)
{
    (void)state;
    char(*ids)[ID_UUID_SIZE] = malloc(sizeof *ids * MANY * THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, mint_many, ids + i * MANY), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    hash_t *seen = hash_new();
    for (int i = 0; i < MANY * THREADS; i++)
        assert_null(hash_put(seen, ids[i], seen));
    assert_int_equal(hash_count(seen), MANY * THREADS);
    hash_free(seen);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_form_and_order),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
