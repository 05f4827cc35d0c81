#include "origin.h"
#include "common/alloc.h"
#include "common/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_ORIGINS = 64, MAX_ORIGIN = 300 };

struct origin_list {
    char *origins[MAX_ORIGINS]; /* scheme://host[:port] */
    size_t count;
};

static const struct {
    const char *prefix;
    const char *port; /* that browsers leave out */
} schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

/* The host[:port] behind the scheme, NULL when there is no known scheme. */
static const char *authority(const char *origin, const char **default_port)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i].prefix);
        if (strncasecmp(origin, schemes[i].prefix, length) == 0) {
            *default_port = schemes[i].port;
            return origin + length;
        }
    }
    return NULL;
}

static bool has_port(const char *authority)
{
    const char *colon = strrchr(authority, ':');
    return colon != NULL && strchr(colon, ']') == NULL; /* [::1] has none */
}

/* Are two authorities the same, one of them perhaps with the port that is the default? */
static bool same_authority(const char *a, const char *b, const char *default_port)
{
    if (strlen(a) < strlen(b)) {
        const char *swap = a;
        a = b;
        b = swap;
    }
    size_t length = strlen(b);
    if (strncasecmp(a, b, length) != 0)
        return false;
    return a[length] == '\0' || (!has_port(b) && strcmp(a + length, default_port) == 0);
}

static bool is_origin(const char *text)
{
    const char *port;
    const char *host = authority(text, &port);

    return host && *host != '\0' && *host != ':' && strpbrk(host, "/?#@ \\*") == NULL;
}

origin_list_t *origin_list_new(const char *text)
{
    origin_list_t *list = alloc_new(origin_list_t);
    bool good = true;

    const char *item;
    size_t length;
    while (good && text_next_item(&text, &item, &length)) {
        while (length > 0 && item[length - 1] == '/')
            length--; /* a slash at the end is what an address bar shows */
        good = length <= MAX_ORIGIN && list->count < MAX_ORIGINS;
        if (good) {
            list->origins[list->count] = alloc_string_n(item, length);
            good = is_origin(list->origins[list->count++]);
        }
    }
    if (good)
        return list;
    origin_list_free(list);
    return NULL;
}

void origin_list_free(origin_list_t *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->origins[i]);
    free(list);
}

bool origin_host_allowed(const origin_list_t *list, const char *host, const char *bound, int port)
{
    const char *const own[] = {bound, "localhost", "127.0.0.1", "::1"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char name[MAX_ORIGIN];
        bool six = strchr(own[i], ':') != NULL;
        int length = snprintf(name, sizeof name, "%s%s%s:%d", six ? "[" : "", own[i], six ? "]" : "", port);
        if (length > 0 && (size_t)length < sizeof name && same_authority(host, name, ":80"))
            return true;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *default_port;
        const char *listed = authority(list->origins[i], &default_port);
        if (same_authority(host, listed, default_port))
            return true;
    }
    return false;
}

bool origin_allowed(const origin_list_t *list, const char *origin, const char *host)
{
    const char *default_port;

    if (!origin)
        return true;
    const char *page = authority(origin, &default_port);
    if (!page)
        return false;
    if (strcmp(default_port, ":80") == 0 && same_authority(page, host, default_port))
        return true;
    for (size_t i = 0; i < list->count; i++) {
        const char *listed_port;
        const char *listed = authority(list->origins[i], &listed_port);
        if (strcmp(default_port, listed_port) == 0 && same_authority(page, listed, default_port))
            return true;
    }
    return false;
}
