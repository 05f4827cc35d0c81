#include "outgoing.h"
#include "common/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6455, section 5.2: a final frame of text from a server, so without a mask. */
enum { FINAL_TEXT = 0x81, LENGTH_16 = 126, LENGTH_64 = 127, MAX_HEADER = 10 };

void outgoing_init(outgoing_t *outgoing, size_t room)
{
    *outgoing = (outgoing_t){.room = room};
    buffer_init(&outgoing->frames, 0); /* bounded by whoever pushes */
}

/* Of the length behind the first two bytes. */
static size_t length_bytes(unsigned char second)
{
    return second == LENGTH_64 ? 8 : second == LENGTH_16 ? 2 : 0;
}

static size_t put_header(unsigned char *to, size_t length)
{
    to[0] = FINAL_TEXT;
    to[1] = (unsigned char)(length > UINT16_MAX ? LENGTH_64 : length >= LENGTH_16 ? LENGTH_16 : length);
    size_t more = length_bytes(to[1]);
    for (size_t i = 0; i < more; i++)
        to[2 + i] = (unsigned char)(length >> 8 * (more - 1 - i));
    return 2 + more;
}

/* Header and text. */
static size_t frame_bytes(const unsigned char *frame)
{
    size_t more = length_bytes(frame[1]), length = more == 0 ? frame[1] : 0;

    for (size_t i = 0; i < more; i++)
        length = length << 8 | frame[2 + i];
    return 2 + more + length;
}

static bool push_got(outgoing_t *outgoing, const char *sender, const char *id)
{
    outgoing_got_t *got = try_bytes(sizeof *got);

    if (!got)
        return false;
    got->next = NULL;
    got->end = outgoing->written + outgoing->bytes;
    snprintf(got->sender, sizeof got->sender, "%s", sender);
    snprintf(got->id, sizeof got->id, "%s", id);
    if (outgoing->last)
        outgoing->last->next = got;
    else
        outgoing->first = got;
    outgoing->last = got;
    return true;
}

bool outgoing_push(outgoing_t *outgoing, const char *text, size_t length, const char *sender, const char *id)
{
    buffer_t *frames = &outgoing->frames;
    unsigned char header[MAX_HEADER];
    size_t size = put_header(header, length);

    if (buffer_reserve(frames, outgoing->room + size + length) != ERR_OK)
        return false;
    if (outgoing->bytes == 0)
        outgoing->start = frames->length = outgoing->room;
    buffer_append(frames, header, size);
    buffer_append(frames, text, length);
    outgoing->bytes += size + length;
    return !id || push_got(outgoing, sender, id);
}

char *outgoing_next(const outgoing_t *outgoing, size_t most, size_t *length)
{
    size_t taken = 0;

    if (outgoing->bytes == 0)
        return NULL;
    char *first = outgoing->frames.data + outgoing->start;
    while (taken < outgoing->bytes) {
        size_t size = frame_bytes((unsigned char *)first + taken);
        if (taken > 0 && taken + size > most)
            break;
        taken += size;
    }
    *length = taken;
    return first;
}

void outgoing_drop(outgoing_t *outgoing, size_t length)
{
    outgoing->start += length;
    outgoing->bytes -= length;
    outgoing->written += length;
    if (outgoing->bytes == 0) {
        buffer_free(&outgoing->frames);
    } else if (outgoing->start > outgoing->room + outgoing->bytes) {
        /* More is written than waits: no byte is moved twice as often as it was queued. */
        buffer_consume(&outgoing->frames, outgoing->start - outgoing->room);
        outgoing->start = outgoing->room;
    }
}

static outgoing_got_t *pop_first(outgoing_t *outgoing)
{
    outgoing_got_t *got = outgoing->first;

    outgoing->first = got->next;
    if (!outgoing->first)
        outgoing->last = NULL;
    return got;
}

outgoing_got_t *outgoing_pop_got(outgoing_t *outgoing, size_t unacknowledged)
{
    const outgoing_got_t *first = outgoing->first;

    return first && first->end + unacknowledged <= outgoing->written ? pop_first(outgoing) : NULL;
}

void outgoing_free(outgoing_t *outgoing)
{
    while (outgoing->first)
        free(pop_first(outgoing));
    buffer_free(&outgoing->frames);
    outgoing->bytes = 0;
}
