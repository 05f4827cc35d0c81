#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "common/hash.h"
#include <stdio.h>
#include <string.h>

/* The reference values of SipHash-2-4's authors: key 00 01 … 0f, data 00 01 … */
static void test_siphash(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        uint64_t wanted;
    } cases[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)}, {63, UINT64_C(0x958a324ceb064572)},
    };
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(hash_bytes(bytes, bytes, cases[i].length) == cases[i].wanted);
}

static void test_keys_differ(void **state)
{
    (void)state;
    uint8_t a[16], b[16];
    hash_random_key(a);
    hash_random_key(b);
    assert_memory_not_equal(a, b, 16);
}

static void test_put_get_remove(void **state)
{
    (void)state;
    hash_t *hash = hash_new();
    int one, two;
    char key[] = "key";
    assert_null(hash_get(hash, "key"));
    assert_null(hash_put(hash, key, &one));
    key[0] = 'x'; /* it was copied */
    assert_ptr_equal(hash_get(hash, "key"), &one);
    assert_ptr_equal(hash_put(hash, "key", &two), &one);
    assert_int_equal(hash_count(hash), 1);
    assert_null(hash_put(hash, "", &one));
    assert_ptr_equal(hash_get(hash, ""), &one);
    assert_null(hash_remove(hash, "ke"));
    assert_ptr_equal(hash_remove(hash, "key"), &two);
    assert_null(hash_remove(hash, "key"));
    assert_int_equal(hash_count(hash), 1);
    hash_free(hash);
    hash_free(NULL);
}

enum { MANY = 5000 };

/* What a walk sees, as often as each key exists. */
static void assert_walk(const hash_t *hash, const int *values, const bool *there, size_t count)
{
    static int seen[MANY];
    memset(seen, 0, sizeof seen);
    size_t position = 0, walked = 0;
    const char *key;
    void *value;
    while (hash_next(hash, &position, &key, &value)) {
        size_t index = (size_t)((int *)value - values);
        char wanted[16];
        snprintf(wanted, sizeof wanted, "k%zu", index);
        assert_string_equal(key, wanted);
        seen[index]++;
        walked++;
    }
    assert_false(hash_next(hash, &position, NULL, NULL));
    assert_int_equal(walked, count);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(seen[i], there[i]);
}

static void test_many(void **state)
{
    (void)state;
    static int values[MANY];
    static bool there[MANY];
    hash_t *hash = hash_new();
    char key[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_null(hash_put(hash, key, &values[i]));
        there[i] = true;
    }
    assert_walk(hash, values, there, MANY);
    /* Growing and shrinking lose nothing. */
    size_t left = MANY;
    for (int i = 0; i < MANY; i++) {
        if (i % 97 == 0)
            continue;
        snprintf(key, sizeof key, "k%d", i);
        assert_ptr_equal(hash_remove(hash, key), &values[i]);
        there[i] = false;
        left--;
    }
    assert_int_equal(hash_count(hash), left);
    assert_walk(hash, values, there, left);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ptr_equal(hash_get(hash, key), there[i] ? &values[i] : NULL);
    }
    hash_free(hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
