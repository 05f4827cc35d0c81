/* Usernames, section 2 of the design: 1–32 characters, letters and digits of any script, '_' '-' '.', NFC.
 * Pure (utf8proc). */
#ifndef P2P_USERNAME_H
#define P2P_USERNAME_H
#include "error.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    USERNAME_MAX_CHARACTERS = 32,
    USERNAME_SIZE = 32 * 4 + 1, /* bytes with the NUL; UTF-8 has at most 4 a character */
    USERNAME_KEY_SIZE =
        32 * 4 * 3 + 1, /* folding makes at most 3 characters of one, but for a few ligatures: those
                                           are cut */
};

/* Normalises into out. ERR_USERNAME_INVALID, or ERR_USERNAME_RESERVED for server, system, all, TO_ALL in any
 * case (also in spellings with the same key, see username_key). out is untouched on error. */
err_t username_normalise(const char *text, size_t length, char out[USERNAME_SIZE]);
/* Like it, but lets `all` and `TO_ALL` through (as "all"): for destinations. */
err_t username_normalise_destination(const char *text, size_t length, char out[USERNAME_SIZE]);
/* The key of a normalised name: two names with equal keys can't be online together. Equal are the keys of names that
 * differ only in case, in compatibility spellings (full-width, mathematical letters), or in letters of other scripts
 * that look alike. */
void username_key(const char *username, char out[USERNAME_KEY_SIZE]);
/* Is the (normalised) name in a comma-separated list? Compared by key. */
bool username_in_list(const char *username, const char *list);

#endif
