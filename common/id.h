/* Message ids: 1–64 characters [A-Za-z0-9_-]. Minted ones are UUIDv7 (RFC 9562), so they sort by time. */
#ifndef P2P_ID_H
#define P2P_ID_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ID_MAX = 64, ID_SIZE = ID_MAX + 1, ID_UUID_SIZE = 37 };

bool id_is_valid(const char *id, size_t length);
/* Ids of one maker, which ascend; begins as zeros. Not for several threads. */
typedef struct {
    uint64_t milliseconds; /* since 1970, of the last one */
    char text[ID_UUID_SIZE];
} id_series_t;

/* Writes 36 characters and a NUL. Aborts if there is no randomness. */
void id_series_next(id_series_t *series, uint64_t milliseconds, char out[ID_UUID_SIZE]);
/* The same from a series that the whole process has. Ids minted by it ascend, also when the clock goes back. */
void id_mint(char out[ID_UUID_SIZE]);

#endif
