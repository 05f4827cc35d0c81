/* What a database has to be able to do to be a store. All functions but open run on the store's threads and
 * may block. Each sets `err` (and on ERR_OK the answer's fields) of every request that it is given. */
#ifndef P2P_STORE_BACKEND_H
#define P2P_STORE_BACKEND_H
#include "store_request.h"

enum { BACKEND_READERS = 3, BACKEND_PURGE_STEP = 500 };

typedef struct {
    const char *name;
    /* Runs on the loop's thread before the threads are started. */
    err_t (*open)(const store_config_t *config, const log_t *log, void **state);
    /* The writer thread: the batch is one transaction where the database has any. */
    void (*write)(void *state, store_request_t **requests, size_t count);
    /* The reader threads, several at once; `reader` is below BACKEND_READERS and differs between them. */
    void (*read)(void *state, unsigned reader, store_request_t *request);
    /* The writer thread: forgets at most BACKEND_PURGE_STEP tombstones older than `before` (microseconds).
     * True when there may be more. */
    bool (*purge)(void *state, int64_t before);
    /* The last thread, when the others have ended. Frees the state. */
    void (*close)(void *state);
} store_backend_t;

extern const store_backend_t store_sqlite_backend;
extern const store_backend_t store_mongo_backend;

#endif
