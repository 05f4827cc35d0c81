#include "direct_log.h"
#include "../common/alloc.h"
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BYTES = 512,
    MOVE_BYTES = 64 * 1024, /* less than this in front is not worth a move */
};

struct direct_block {
    size_t start; /* of the oldest record */
    size_t end, capacity;
    char data[];
};

/* In front of each record's id, sender and text. */
typedef struct {
    uint64_t offset, origin;
    int64_t timestamp;
    uint32_t text_length;
    uint16_t id_length, sender_length;
} header_t;

void direct_log_init(direct_log_t *log)
{
    log->block = NULL;
}

void direct_log_free(direct_log_t *log)
{
    free(log->block);
    log->block = NULL;
}

bool direct_log_is_empty(const direct_log_t *log)
{
    return log->block == NULL;
}

size_t direct_log_record_bytes(const direct_record_t *record)
{
    return sizeof(header_t) + record->id_length + record->sender_length + record->text_length;
}

/* Each byte is moved once on average: at least as much as remains lies in front. */
static void move_to_front(struct direct_block *block)
{
    if (block->start < MOVE_BYTES || block->start < block->end / 2)
        return;
    block->end -= block->start;
    memmove(block->data, block->data + block->start, block->end);
    block->start = 0;
}

/* Room for so many bytes behind the last record; NULL when there is no memory. */
static char *reserve(direct_log_t *log, size_t bytes)
{
    struct direct_block *block = log->block;

    if (block)
        move_to_front(block);
    size_t wanted = (block ? block->end : 0) + bytes, capacity = block ? block->capacity : 0;
    if (wanted > capacity) {
        capacity = capacity == 0 ? FIRST_BYTES : 2 * capacity;
        if (capacity < wanted)
            capacity = wanted;
        struct direct_block *larger = try_resize(block, sizeof *block + capacity);
        if (!larger)
            return NULL;
        if (!block)
            larger->start = larger->end = 0;
        larger->capacity = capacity;
        log->block = block = larger;
    }
    return block->data + block->end;
}

static char *put(char *to, const void *from, size_t length)
{
    if (length > 0)
        memcpy(to, from, length);
    return to + length;
}

err_t direct_log_add(direct_log_t *log, const direct_record_t *record)
{
    header_t header = {.offset = record->offset,
                       .origin = record->origin,
                       .timestamp = record->timestamp,
                       .text_length = (uint32_t)record->text_length,
                       .id_length = (uint16_t)record->id_length,
                       .sender_length = (uint16_t)record->sender_length};
    char *to = reserve(log, direct_log_record_bytes(record));

    if (!to)
        return ERR_NO_MEMORY;
    to = put(to, &header, sizeof header);
    to = put(to, record->id, record->id_length);
    to = put(to, record->sender, record->sender_length);
    to = put(to, record->text, record->text_length);
    log->block->end = (size_t)(to - log->block->data);
    return ERR_OK;
}

bool direct_log_first(const direct_log_t *log, direct_record_t *record)
{
    const struct direct_block *block = log->block;
    header_t header;

    if (!block)
        return false;
    const char *from = block->data + block->start;
    memcpy(&header, from, sizeof header);
    from += sizeof header;
    *record = (direct_record_t){.offset = header.offset,
                                .origin = header.origin,
                                .timestamp = header.timestamp,
                                .id_length = header.id_length,
                                .sender_length = header.sender_length,
                                .text_length = header.text_length,
                                .id = from,
                                .sender = from + header.id_length,
                                .text = from + header.id_length + header.sender_length};
    return true;
}

void direct_log_drop(direct_log_t *log)
{
    struct direct_block *block = log->block;
    header_t header;

    memcpy(&header, block->data + block->start, sizeof header);
    block->start += sizeof header + header.id_length + header.sender_length + header.text_length;
    if (block->start == block->end)
        direct_log_free(log);
}
