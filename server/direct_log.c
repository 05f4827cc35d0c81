#include "direct_log.h"
#include <string.h>

enum { MOVE_BYTES = 64 * 1024 }; /* less than this in front is not worth a move */

/* In front of each record's id, sender and text. */
typedef struct {
    uint64_t offset, origin;
    int64_t timestamp;
    uint32_t text_length;
    uint16_t id_length, sender_length;
} header_t;

void direct_log_init(direct_log_t *log)
{
    buffer_init(&log->records, 0);
    log->start = 0;
}

void direct_log_free(direct_log_t *log)
{
    buffer_free(&log->records);
    log->start = 0;
}

bool direct_log_is_empty(const direct_log_t *log)
{
    return log->start == log->records.length;
}

size_t direct_log_record_bytes(const direct_record_t *record)
{
    return sizeof(header_t) + record->id_length + record->sender_length + record->text_length;
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

    /* Each byte is moved once on average: at least as much as remains lies in front. */
    if (log->start >= MOVE_BYTES && log->start >= log->records.length / 2) {
        buffer_consume(&log->records, log->start);
        log->start = 0;
    }
    err_t err = buffer_reserve(&log->records, direct_log_record_bytes(record));
    if (err != ERR_OK)
        return err;
    char *to = log->records.data + log->records.length;
    to = put(to, &header, sizeof header);
    to = put(to, record->id, record->id_length);
    to = put(to, record->sender, record->sender_length);
    to = put(to, record->text, record->text_length);
    log->records.length = (size_t)(to - log->records.data);
    return ERR_OK;
}

bool direct_log_first(const direct_log_t *log, direct_record_t *record)
{
    header_t header;

    if (direct_log_is_empty(log))
        return false;
    const char *from = log->records.data + log->start;
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
    header_t header;

    memcpy(&header, log->records.data + log->start, sizeof header);
    log->start += sizeof header + header.id_length + header.sender_length + header.text_length;
    if (direct_log_is_empty(log))
        direct_log_free(log);
}
