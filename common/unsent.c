#include "unsent.h"
#include "alloc.h"
#include "frame.h"
#include "outbox.h"
#include <stdlib.h>

enum { LINK_FILL = 256 * 1024 }; /* more than this waits in the outbox, not in the link */

struct unsent {
    outbox_t *outbox;
    chat_link_t *link; /* NULL while offline */
    bool behind;       /* the outbox holds some that were not written on this link */
};

unsent_t *unsent_new(void)
{
    unsent_t *unsent = alloc_new(unsent_t);

    unsent->outbox = outbox_new();
    return unsent;
}

void unsent_free(unsent_t *unsent)
{
    if (!unsent)
        return;
    outbox_free(unsent->outbox);
    free(unsent);
}

void unsent_begin(unsent_t *unsent, chat_link_t *link)
{
    unsent->link = link;
    unsent->behind = outbox_count(unsent->outbox) > 0;
}

void unsent_end(unsent_t *unsent)
{
    unsent->link = NULL;
    unsent->behind = false;
    outbox_new_connection(unsent->outbox);
}

/* kept: the outbox's own. */
static void write_message(unsent_t *unsent, const message_t *kept, bool resend)
{
    if (frame_write_message(chat_link_buffer(unsent->link), kept, false, resend) == ERR_OK)
        outbox_mark_written(unsent->outbox, kept);
    chat_link_flush(unsent->link);
}

err_t unsent_add(unsent_t *unsent, const message_t *message, bool again)
{
    const message_t *kept;
    err_t err = outbox_add(unsent->outbox, message, timestamp_now(), &kept);

    if (err != ERR_OK || outbox_is_written(unsent->outbox, kept))
        return err; /* the same id is the same message, and that one is under way */
    if (again)
        outbox_mark_sent(kept);
    if (unsent_has_room(unsent))
        write_message(unsent, kept, again);
    else
        unsent->behind = unsent->link != NULL;
    return ERR_OK;
}

void unsent_forget(unsent_t *unsent, const char *id)
{
    outbox_remove(unsent->outbox, id);
}

bool unsent_expire(unsent_t *unsent, message_t *out)
{
    return outbox_expire(unsent->outbox, timestamp_now(), out);
}

void unsent_write(unsent_t *unsent)
{
    void *position = NULL;
    bool sent_before;
    const message_t *message;

    if (!unsent->behind)
        return;
    while ((message = outbox_next(unsent->outbox, &position, &sent_before))) {
        if (outbox_is_written(unsent->outbox, message))
            continue;
        if (chat_link_bytes(unsent->link) > LINK_FILL)
            return;
        write_message(unsent, message, sent_before);
    }
    unsent->behind = false;
}

bool unsent_is_behind(const unsent_t *unsent)
{
    return unsent->behind;
}

bool unsent_has_room(const unsent_t *unsent)
{
    return unsent->link && !unsent->behind && chat_link_bytes(unsent->link) <= LINK_FILL;
}

size_t unsent_count(const unsent_t *unsent)
{
    return outbox_count(unsent->outbox);
}
