#include "roster.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "common/username.h"
#include <stdlib.h>
#include <string.h>

enum { ROSTER_MAX_NAMES = 20000 }; /* a server that names more is not believed */

struct roster {
    hash_t *names; /* values: the table needs one, it is the roster itself */
};

roster_t *roster_new(void)
{
    roster_t *roster = alloc_new(roster_t);
    roster->names = hash_new();
    return roster;
}

void roster_free(roster_t *roster)
{
    if (!roster)
        return;
    hash_free(roster->names);
    free(roster);
}

static void add_all(roster_t *roster, const cJSON *users)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, users)
    {
        char name[USERNAME_SIZE];
        if (hash_count(roster->names) >= ROSTER_MAX_NAMES)
            return;
        if (cJSON_IsString(item) &&
            username_normalise(item->valuestring, strlen(item->valuestring), name) == ERR_OK)
            hash_put(roster->names, name, roster);
    }
}

void roster_replace(roster_t *roster, const cJSON *users)
{
    hash_free(roster->names);
    roster->names = hash_new();
    add_all(roster, users);
}

void roster_update(roster_t *roster, const cJSON *joined, const cJSON *left)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, left)
    {
        if (cJSON_IsString(item))
            hash_remove(roster->names, item->valuestring);
    }
    add_all(roster, joined);
}

bool roster_has(const roster_t *roster, const char *username)
{
    return hash_get(roster->names, username) != NULL;
}

size_t roster_count(const roster_t *roster)
{
    return hash_count(roster->names);
}

const char *roster_next(const roster_t *roster, size_t *position)
{
    const char *name;
    void *value;
    return hash_next(roster->names, position, &name, &value) ? name : NULL;
}
