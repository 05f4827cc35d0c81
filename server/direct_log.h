/* Direct mode, what one session was handed from memory alone: a record a message, oldest first, until the peer's TCP
 * has acknowledged it (text) or its program has said got (JSON). The compact form of a delivery: most of them are
 * forgotten before anything else is known of them. Pure. */
#ifndef P2P_SERVER_DIRECT_LOG_H
#define P2P_SERVER_DIRECT_LOG_H
#include "../common/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pointer in each mailbox, as most have none. */
typedef struct {
    struct direct_block *block; /* NULL while there is no record */
} direct_log_t;

typedef struct {
    uint64_t offset;   /* text: its last byte's place in the session's output; JSON: UINT64_MAX */
    uint64_t origin;   /* serial of the sender's session */
    int64_t timestamp; /* microseconds */
    size_t id_length, sender_length, text_length;
    const char *id, *sender, *text; /* without a NUL; text: no id yet */
} direct_record_t;

void direct_log_init(direct_log_t *log);
void direct_log_free(direct_log_t *log); /* leaves it empty and usable */
bool direct_log_is_empty(const direct_log_t *log);
/* Copies. ERR_NO_MEMORY leaves it as it was. Offsets never fall. */
err_t direct_log_add(direct_log_t *log, const direct_record_t *record);
/* The oldest one, valid until the next change. False when there is none. */
bool direct_log_first(const direct_log_t *log, direct_record_t *record);
/* Takes out the oldest one, which there must be. */
void direct_log_drop(direct_log_t *log);
/* Takes out all up to this offset; answers how many they were. */
size_t direct_log_pass(direct_log_t *log, uint64_t offset);
/* What its records take, bytes. */
size_t direct_log_bytes(const direct_log_t *log);
/* An empty one keeps its memory for the next record; this gives it back. */
void direct_log_trim(direct_log_t *log);

#endif
