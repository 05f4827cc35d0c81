#include "direct_log.h"
#include "../common/alloc.h"
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BYTES = 512,
    MOVE_BYTES = 64 * 1024, /* less than this in front is not worth a move */
    RUN_BYTES = 64 * 1024,  /* a run that is longer takes no more: only whole runs give their memory back */
};

struct direct_block {
    size_t start; /* of the oldest run */
    size_t first; /* of the oldest record, in it */
    size_t last;  /* of the newest run */
    size_t end, capacity;
    _Alignas(uint64_t) char data[];
};

/* Records of one sender and one time: what one read of its socket brought. What they have in common is there once, and
 * they can be dropped without a look at each: most are cold by then. The sender's name and the records follow. Aligned, to be
 * changed in its place. */
typedef struct {
    uint64_t offset, newest; /* of its first and its last record */
    uint64_t origin;
    int64_t timestamp;
    uint32_t count;  /* of records that are left */
    uint32_t length; /* of what follows, bytes */
    uint32_t sender_length;
} run_t;

/* In front of each record's id and text. */
typedef struct {
    uint32_t behind; /* its run's offset: so many bytes */
    uint32_t text_length;
    uint32_t id_length;
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
    return log->block == NULL || log->block->end == 0;
}

size_t direct_log_bytes(const direct_log_t *log)
{
    return log->block ? log->block->end - log->block->start : 0;
}

void direct_log_trim(direct_log_t *log)
{
    if (direct_log_is_empty(log))
        direct_log_free(log);
}

/* ---- adding ---- */

/* Each byte is moved once on average: at least as much as remains lies in front. */
static void move_to_front(struct direct_block *block)
{
    size_t start = block->start;

    if (start < MOVE_BYTES || start < block->end / 2)
        return;
    memmove(block->data, block->data + start, block->end - start);
    block->start = 0;
    block->first -= start;
    block->last -= start;
    block->end -= start;
}

/* Room for so many bytes behind the last record; false when there is no memory. */
static bool reserve(direct_log_t *log, size_t bytes)
{
    struct direct_block *block = log->block;

    if (block)
        move_to_front(block);
    size_t wanted = (block ? block->end : 0) + bytes, capacity = block ? block->capacity : 0;
    if (wanted <= capacity)
        return true;
    capacity = capacity == 0 ? FIRST_BYTES : 2 * capacity;
    if (capacity < wanted)
        capacity = wanted;
    struct direct_block *larger = try_resize(block, sizeof *block + capacity);
    if (!larger)
        return false;
    if (!block)
        *larger = (struct direct_block){0};
    larger->capacity = capacity;
    log->block = larger;
    return true;
}

static void put(struct direct_block *block, const void *from, size_t length)
{
    if (length > 0)
        memcpy(block->data + block->end, from, length);
    block->end += length;
}

static size_t aligned(size_t place)
{
    return (place + _Alignof(run_t) - 1) & ~(_Alignof(run_t) - 1);
}

static run_t *run_at(struct direct_block *block, size_t place)
{
    return (run_t *)(void *)(block->data + place);
}

static bool belongs_to(const run_t *run, const direct_record_t *record)
{
    return run->origin == record->origin && run->timestamp == record->timestamp &&
           record->offset - run->offset <= UINT32_MAX && run->length < RUN_BYTES;
}

static void begin_run(struct direct_block *block, const direct_record_t *record)
{
    run_t run = {.offset = record->offset,
                 .origin = record->origin,
                 .timestamp = record->timestamp,
                 .sender_length = (uint32_t)record->sender_length};

    if (block->end == 0)
        block->first = sizeof run + record->sender_length;
    block->last = block->end = aligned(block->end);
    put(block, &run, sizeof run);
    put(block, record->sender, record->sender_length);
}

err_t direct_log_add(direct_log_t *log, const direct_record_t *record)
{
    header_t header = {.text_length = (uint32_t)record->text_length,
                       .id_length = (uint32_t)record->id_length};

    if (!reserve(log, _Alignof(run_t) + sizeof(run_t) + record->sender_length + sizeof header +
                          record->id_length + record->text_length))
        return ERR_NO_MEMORY;
    struct direct_block *block = log->block;
    if (block->end == 0 || !belongs_to(run_at(block, block->last), record))
        begin_run(block, record);
    run_t *run = run_at(block, block->last);
    header.behind = (uint32_t)(record->offset - run->offset);
    put(block, &header, sizeof header);
    put(block, record->id, record->id_length);
    put(block, record->text, record->text_length);
    run->newest = record->offset;
    run->count++;
    run->length = (uint32_t)(block->end - block->last - sizeof *run);
    return ERR_OK;
}

/* ---- taking out ---- */

bool direct_log_first(const direct_log_t *log, direct_record_t *record)
{
    struct direct_block *block = log->block;
    header_t header;

    if (direct_log_is_empty(log))
        return false;
    const run_t *run = run_at(block, block->start);
    const char *from = block->data + block->first;
    memcpy(&header, from, sizeof header);
    from += sizeof header;
    *record = (direct_record_t){.offset = run->offset + header.behind,
                                .origin = run->origin,
                                .timestamp = run->timestamp,
                                .id_length = header.id_length,
                                .sender_length = run->sender_length,
                                .text_length = header.text_length,
                                .id = from,
                                .sender = (const char *)(run + 1),
                                .text = from + header.id_length};
    return true;
}

/* The oldest one. */
static void drop_run(struct direct_block *block)
{
    size_t behind = aligned(block->start + sizeof(run_t) + run_at(block, block->start)->length);

    if (behind >= block->end) {
        block->start = block->first = block->last = block->end = 0;
        return;
    }
    block->start = behind;
    block->first = behind + sizeof(run_t) + run_at(block, behind)->sender_length;
}

void direct_log_drop(direct_log_t *log)
{
    struct direct_block *block = log->block;
    header_t header;

    memcpy(&header, block->data + block->first, sizeof header);
    block->first += sizeof header + header.id_length + header.text_length;
    if (--run_at(block, block->start)->count == 0)
        drop_run(block);
}

size_t direct_log_pass(direct_log_t *log, uint64_t offset)
{
    direct_record_t record;
    size_t count = 0;

    while (direct_log_first(log, &record) && record.offset <= offset) {
        const run_t *run = run_at(log->block, log->block->start);
        if (run->newest <= offset) {
            count += run->count;
            drop_run(log->block);
        } else {
            count++;
            direct_log_drop(log);
        }
    }
    return count;
}
