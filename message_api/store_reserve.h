/* A file that does nothing but take room on the disk. When the disk is full it is given up, so that the
 * database can still note acknowledgements and so make room; new messages are refused until the reserve is
 * back. */
#ifndef P2P_STORE_RESERVE_H
#define P2P_STORE_RESERVE_H
#include <stdbool.h>
#include <stdint.h>

/* The WAL before its checkpoint (4 MiB), and the largest batch (8 MiB and the index pages): what the database
 * may have to grow by before the WAL can be used from its start again. */
enum { RESERVE_BYTES = 16 * 1024 * 1024 };

typedef struct {
    char *path; /* owned */
    bool held;
    uint64_t tried; /* uv_hrtime of the last attempt */
} reserve_t;

/* path is the database's. Takes the room if there is any. */
void reserve_open(reserve_t *reserve, const char *path);
/* True when the room is held; tries again to take it, at most once a second. */
bool reserve_take(reserve_t *reserve);
void reserve_give_up(reserve_t *reserve);
/* Leaves the file where it is. */
void reserve_close(reserve_t *reserve);

#endif
