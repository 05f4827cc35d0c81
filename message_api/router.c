#include "router.h"
#include <string.h>

/* Compares a path with a pattern; sets the parameter where the pattern has one. */
static bool pattern_matches(const char *pattern, const char *path, size_t length, route_match_t *match)
{
    const char *brace = strchr(pattern, '{');
    match->parameter = NULL;
    match->parameter_length = 0;
    if (brace == NULL)
        return strlen(pattern) == length && memcmp(pattern, path, length) == 0;

    size_t fixed = (size_t)(brace - pattern);
    if (length <= fixed || memcmp(pattern, path, fixed) != 0)
        return false;
    if (memchr(path + fixed, '/', length - fixed) != NULL)
        return false;
    match->parameter = path + fixed;
    match->parameter_length = length - fixed;
    return true;
}

static void add_allowed(char allow[ROUTE_ALLOW_SIZE], const char *method)
{
    size_t used = strlen(allow);
    const char *comma = used > 0 ? ", " : "";
    if (used + strlen(comma) + strlen(method) + 1 > ROUTE_ALLOW_SIZE)
        return;
    strcat(allow, comma);
    strcat(allow, method);
}

route_status_t route_find(const route_t *table, size_t count, const char *method, const char *path,
                          route_match_t *match)
{
    size_t length = strlen(path);
    if (length > 1 && path[length - 1] == '/')
        length--;
    memset(match, 0, sizeof *match);
    for (size_t i = 0; i < count; i++) {
        if (!pattern_matches(table[i].pattern, path, length, match))
            continue;
        if (strcmp(table[i].method, method) == 0) {
            match->route = &table[i];
            return ROUTE_FOUND;
        }
        add_allowed(match->allow, table[i].method);
    }
    return match->allow[0] != '\0' ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
