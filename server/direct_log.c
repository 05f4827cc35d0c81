#include "direct_log.h"
#include <string.h>

enum { MOVE_BYTES = 64 * 1024 }; /* less than this in front is not worth a move */

/* In front of each record's sender and text. */
typedef struct {
    uint64_t offset, origin;
    int64_t timestamp;
    uint32_t sender_length, text_length;
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
    return sizeof(header_t) + record->sender_length + record->text_length;
}

err_t direct_log_add(direct_log_t *log, const direct_record_t *record)
{
    header_t header = {.offset = record->offset,
                       .origin = record->origin,
                       .timestamp = record->timestamp,
                       .sender_length = (uint32_t)record->sender_length,
                       .text_length = (uint32_t)record->text_length};

    /* Each byte is moved once on average: at least as much as remains lies in front. */
    if (log->start >= MOVE_BYTES && log->start >= log->records.length / 2) {
        buffer_consume(&log->records, log->start);
        log->start = 0;
    }
    err_t err = buffer_reserve(&log->records, direct_log_record_bytes(record));
    if (err != ERR_OK)
        return err;
    char *to = log->records.data + log->records.length;
    memcpy(to, &header, sizeof header);
    memcpy(to + sizeof header, record->sender, record->sender_length);
    memcpy(to + sizeof header + record->sender_length, record->text, record->text_length);
    log->records.length += direct_log_record_bytes(record);
    return ERR_OK;
}

bool direct_log_first(const direct_log_t *log, direct_record_t *record)
{
    header_t header;

    if (direct_log_is_empty(log))
        return false;
    const char *from = log->records.data + log->start;
    memcpy(&header, from, sizeof header);
    *record = (direct_record_t){.offset = header.offset,
                                .origin = header.origin,
                                .timestamp = header.timestamp,
                                .sender_length = header.sender_length,
                                .text_length = header.text_length,
                                .sender = from + sizeof header,
                                .text = from + sizeof header + header.sender_length};
    return true;
}

void direct_log_drop(direct_log_t *log)
{
    direct_record_t record;

    if (!direct_log_first(log, &record))
        return;
    log->start += direct_log_record_bytes(&record);
    if (direct_log_is_empty(log))
        direct_log_free(log);
}
