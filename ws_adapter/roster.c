#include "roster.h"
#include "common/alloc.h"
#include <stdlib.h>
#include <string.h>

void roster_free(roster_t *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        free(roster->names[i]);
    free(roster->names);
    *roster = (roster_t){0};
}

/* Where the name is, or would be put in. */
static size_t find(const roster_t *roster, const char *name, bool *found)
{
    size_t low = 0, high = roster->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(roster->names[middle], name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool roster_add(roster_t *roster, const char *name)
{
    bool found;
    size_t at = find(roster, name, &found);

    if (found || roster->count == ROSTER_MAX)
        return false;
    if (roster->count == roster->capacity) {
        roster->capacity = roster->capacity ? roster->capacity * 2 : 16;
        roster->names = alloc_resize(roster->names, roster->capacity * sizeof *roster->names);
    }
    memmove(roster->names + at + 1, roster->names + at, (roster->count - at) * sizeof *roster->names);
    roster->names[at] = alloc_string(name);
    roster->count++;
    return true;
}

bool roster_remove(roster_t *roster, const char *name)
{
    bool found;
    size_t at = find(roster, name, &found);

    if (!found)
        return false;
    free(roster->names[at]);
    roster->count--;
    memmove(roster->names + at, roster->names + at + 1, (roster->count - at) * sizeof *roster->names);
    return true;
}

void roster_replace(roster_t *roster, const cJSON *users)
{
    const cJSON *item;

    roster_free(roster);
    cJSON_ArrayForEach(item, users) roster_add(roster, item->valuestring);
}

size_t roster_bytes(const roster_t *roster)
{
    size_t bytes = sizeof "\"online_users\":[],";

    for (size_t i = 0; i < roster->count; i++)
        bytes += strlen(roster->names[i]) + 3; /* a username needs no escapes */
    return bytes;
}

err_t roster_append(const roster_t *roster, buffer_t *out)
{
    err_t err = json_append_name(out, "online_users");

    if (err == ERR_OK)
        err = buffer_append_char(out, '[');
    for (size_t i = 0; i < roster->count && err == ERR_OK; i++) {
        if (i > 0)
            err = buffer_append_char(out, ',');
        if (err == ERR_OK)
            err = json_append_string(out, roster->names[i], strlen(roster->names[i]));
    }
    return err == ERR_OK ? buffer_append_char(out, ']') : err;
}
