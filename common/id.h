/* Message ids: 1–64 characters [A-Za-z0-9_-]. Minted ones are UUIDv7 (RFC 9562), so they sort by time. */
#ifndef P2P_ID_H
#define P2P_ID_H
#include <stdbool.h>
#include <stddef.h>

enum { ID_MAX = 64, ID_SIZE = ID_MAX + 1, ID_UUID_SIZE = 37 };

bool id_is_valid(const char *id, size_t length);
/* Writes 36 characters and a NUL. Ids minted by one process ascend, also when the clock goes back. Aborts if
 * there is no randomness. */
void id_mint(char out[ID_UUID_SIZE]);

#endif
