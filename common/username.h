/* Usernames, section 2 of the design: 1–32 characters, letters and digits of any script, '_' '-' '.', NFC.
 * Pure (utf8proc). */
#ifndef P2P_USERNAME_H
#define P2P_USERNAME_H
#include "error.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    USERNAME_MAX_CHARACTERS = 32,
    USERNAME_SIZE = 32 * 4 + 1,         /* bytes with the NUL; UTF-8 has at most 4 a character */
    USERNAME_KEY_SIZE = 32 * 4 * 3 + 1, /* case folding makes at most 3 characters of one */
};

/* Normalises into out. ERR_USERNAME_INVALID, or ERR_USERNAME_RESERVED for server, system, all, TO_ALL in any
 * case (also with full-width and other compatibility spellings). out is untouched on error. */
err_t username_normalise(const char *text, size_t length, char out[USERNAME_SIZE]);
/* Like it, but lets `all` and `TO_ALL` through (as "all"): for destinations. */
err_t username_normalise_destination(const char *text, size_t length, char out[USERNAME_SIZE]);
/* The case-folded key of a normalised name: two names with equal keys can't be online together. */
void username_key(const char *username, char out[USERNAME_KEY_SIZE]);
/* Is the (normalised) name in a comma-separated list? Compared by key. */
bool username_in_list(const char *username, const char *list);

#endif
