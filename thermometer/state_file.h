/* Writes the subscribers' state on a worker thread, so that a slow disk holds nobody up. */
#ifndef P2P_STATE_FILE_H
#define P2P_STATE_FILE_H
#include "subscribers.h"
#include <uv.h>

/* err: what atomic_file_write said. */
typedef void (*state_file_cb)(void *context, err_t err);

typedef struct {
    uv_loop_t *loop;
    uv_work_t work;
    char *path;
    buffer_t content; /* the worker's while busy */
    bool busy;
    err_t err;
    state_file_cb on_saved;
    void *context;
} state_file_t;

/* The file is FOLDER/NAME.json, NAME a normalised username. */
void state_file_init(state_file_t *file, uv_loop_t *loop, const char *folder, const char *username,
                     state_file_cb on_saved, void *context);
void state_file_free(state_file_t *file); /* not while busy */
/* Blocking. No file is an empty state. Any error means that the file is there and cannot be used. */
err_t state_file_load(const state_file_t *file, subscribers_t *subscribers);
/* The state of now; on_saved follows. Only while not busy. */
void state_file_save(state_file_t *file, const subscribers_t *subscribers);
/* Blocking, for the end of the program. Only while not busy. */
err_t state_file_save_now(state_file_t *file, const subscribers_t *subscribers);

#endif
