/* A hash table from strings to pointers, keyed (SipHash with a random key per table) so that peers can't
 * choose collisions. Copies its keys, does not own its values. Not for several threads. */
#ifndef P2P_HASH_H
#define P2P_HASH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hash hash_t;
hash_t *hash_new(void);
void hash_free(hash_t *hash);
size_t hash_count(const hash_t *hash);
void *hash_get(const hash_t *hash, const char *key);
/* Returns the former value, NULL when the key is new. value must not be NULL. */
void *hash_put(hash_t *hash, const char *key, void *value);
/* Returns the value that was removed, or NULL. */
void *hash_remove(hash_t *hash, const char *key);
/* Walk: *position starts at 0; false at the end. The table must not change meanwhile. Order is by no rule. */
bool hash_next(const hash_t *hash, size_t *position, const char **key, void **value);
/* SipHash-2-4 for other tables. */
uint64_t hash_bytes(const uint8_t key[16], const void *data, size_t length);
void hash_random_key(uint8_t key[16]);

#endif
