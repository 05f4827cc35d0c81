#include "inbox.h"
#include "alloc.h"
#include "hash.h"
#include "id.h"
#include "shown.h"
#include "username.h"
#include <stdio.h>
#include <stdlib.h>

enum { KEY_SIZE = USERNAME_SIZE + ID_SIZE }; /* "sender\nid" */

struct inbox {
    shown_t *shown;
    hash_t *undecided;
};

static void make_key(char key[KEY_SIZE], const char *sender, const char *id)
{
    snprintf(key, KEY_SIZE, "%s\n%s", sender, id);
}

inbox_t *inbox_new(size_t capacity)
{
    inbox_t *inbox = alloc_new(inbox_t);

    inbox->shown = shown_new(capacity);
    inbox->undecided = hash_new();
    return inbox;
}

void inbox_free(inbox_t *inbox)
{
    if (!inbox)
        return;
    shown_free(inbox->shown);
    hash_free(inbox->undecided);
    free(inbox);
}

inbox_status_t inbox_take(inbox_t *inbox, const char *sender, const char *id)
{
    char key[KEY_SIZE];

    make_key(key, sender, id);
    if (hash_get(inbox->undecided, key))
        return INBOX_UNDECIDED;
    if (!shown_add(inbox->shown, sender, id))
        return INBOX_DECIDED;
    hash_put(inbox->undecided, key, inbox);
    return INBOX_NEW;
}

bool inbox_decide(inbox_t *inbox, const char *sender, const char *id)
{
    char key[KEY_SIZE];

    make_key(key, sender, id);
    return hash_remove(inbox->undecided, key) != NULL;
}
