#include "username.h"
#include "lookalike.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const char *const reserved[] = {"server", "system"};
static const char *const everyone[] = {"all", "to_all"};

static bool is_letter_or_digit(utf8proc_int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
        return true;
    default:
        return false;
    }
}

/* Many scripts write vowels and tones as marks: a letter's own, so not at the start of a name. */
static bool is_mark(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

/* Letters and marks that show nothing (fillers, variation selectors, joiners): a name of them would look empty,
 * one with them like another's. */
static bool is_invisible(utf8proc_int32_t point)
{
    return utf8proc_get_property(point)->ignorable || (!is_mark(point) && utf8proc_charwidth(point) == 0);
}

static bool is_name(const char *text, size_t length)
{
    size_t count = 0;
    utf8proc_int32_t point;
    for (size_t i = 0; i < length;) {
        utf8proc_ssize_t size =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(length - i), &point);
        if (size <= 0 || ++count > USERNAME_MAX_CHARACTERS)
            return false;
        bool fits = is_mark(point)
                        ? count > 1
                        : is_letter_or_digit(point) || point == '_' || point == '-' || point == '.';
        if (!fits || is_invisible(point))
            return false;
        i += (size_t)size;
    }
    return count > 0;
}

/* The name in its one form: a copy (to be freed), or NULL. */
static char *compose(const char *text, size_t length)
{
    utf8proc_uint8_t *name = NULL;
    if (utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &name,
                     UTF8PROC_COMPOSE | UTF8PROC_STABLE) < 0)
        return NULL;
    return (char *)name;
}

/* What is left of a name without case, compatibility spellings and letters of other scripts that look like Latin
 * ones (to be freed), or NULL. */
static char *fold(const char *name)
{
    utf8proc_uint8_t *folded = NULL, *skeleton = NULL;
    if (utf8proc_map((const utf8proc_uint8_t *)name, 0, &folded,
                     UTF8PROC_NULLTERM | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                         UTF8PROC_STABLE) >= 0)
        (void)utf8proc_map_custom(folded, 0, &skeleton, UTF8PROC_NULLTERM, lookalike_latin, NULL);
    free(folded);
    return (char *)skeleton;
}

static bool is_any_of(const char *name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, words[i]) == 0)
            return true;
    }
    return false;
}

static err_t give(const char *name, const char *folded, bool is_destination, char out[USERNAME_SIZE])
{
    bool is_all = is_any_of(folded, everyone, sizeof everyone / sizeof everyone[0]);

    if (is_any_of(folded, reserved, sizeof reserved / sizeof reserved[0]) || (is_all && !is_destination))
        return ERR_USERNAME_RESERVED;
    strcpy(out, is_all ? "all" : name); /* bounded to 32 characters of 4 bytes */
    return ERR_OK;
}

/* Most names are ASCII, every message has one, and they are their own normal form. False for all others. */
static bool normalise_ascii(const char *text, size_t length, char name[USERNAME_SIZE],
                            char lowered[USERNAME_SIZE])
{
    if (length > USERNAME_MAX_CHARACTERS)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool upper = c >= 'A' && c <= 'Z';
        if (!(upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
            return false;
        name[i] = c;
        lowered[i] = (char)(upper ? c + ('a' - 'A') : c);
    }
    name[length] = lowered[length] = '\0';
    return true;
}

static err_t normalise(const char *text, size_t length, bool is_destination, char out[USERNAME_SIZE])
{
    char plain[USERNAME_SIZE], lowered[USERNAME_SIZE];

    /* Longer than this it has too many characters in any normal form. */
    if (length == 0 || length > (USERNAME_SIZE - 1) * 3 || !text_is_utf8(text, length))
        return ERR_USERNAME_INVALID;
    if (normalise_ascii(text, length, plain, lowered))
        return give(plain, lowered, is_destination, out);
    err_t err = ERR_USERNAME_INVALID;
    char *folded = NULL;
    char *name = compose(text, length);
    if (name == NULL || !is_name(name, strlen(name)))
        goto cleanup;
    folded = fold(name);
    if (folded != NULL)
        err = give(name, folded, is_destination, out);
cleanup:
    free(name);
    free(folded);
    return err;
}

err_t username_normalise(const char *text, size_t length, char out[USERNAME_SIZE])
{
    return normalise(text, length, false, out);
}

err_t username_normalise_destination(const char *text, size_t length, char out[USERNAME_SIZE])
{
    return normalise(text, length, true, out);
}

/* Folding ASCII is lowering it, and most names are ASCII. */
static bool lower_ascii(const char *username, char out[USERNAME_KEY_SIZE])
{
    size_t i = 0;
    for (; username[i] != '\0' && i < USERNAME_KEY_SIZE - 1; i++) {
        unsigned char c = (unsigned char)username[i];
        if (c >= 0x80)
            return false;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    out[i] = '\0';
    return true;
}

void username_key(const char *username, char out[USERNAME_KEY_SIZE])
{
    if (lower_ascii(username, out))
        return;
    char *folded = fold(username);
    const char *key = folded != NULL ? folded : username;
    size_t length = text_cut(key, strlen(key), USERNAME_KEY_SIZE - 1);
    memcpy(out, key, length);
    out[length] = '\0';
    free(folded);
}

bool username_in_list(const char *username, const char *list)
{
    char wanted[USERNAME_KEY_SIZE];
    username_key(username, wanted);
    const char *item;
    size_t length;
    while (list != NULL && text_next_item(&list, &item, &length)) {
        char name[USERNAME_SIZE], key[USERNAME_KEY_SIZE];
        if (username_normalise(item, length, name) == ERR_OK) {
            username_key(name, key);
            if (strcmp(key, wanted) == 0)
                return true;
        }
    }
    return false;
}
