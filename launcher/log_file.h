/* One file under logs/: readable by its owner alone, set aside at 10 MiB (NAME.log → NAME.log.1 … .3).
 * Owns its descriptor. Writes block: these are local files and small pieces. */
#ifndef P2P_LOG_FILE_H
#define P2P_LOG_FILE_H
#include "../common/error.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    LOG_FILE_LIMIT = 10 * 1024 * 1024,
    LOG_FILE_KEPT = 3,
};

typedef struct {
    int folder;       /* descriptor of the folder, not owned */
    const char *name; /* server.log; not owned */
    size_t limit;     /* bytes */
    int descriptor;   /* -1 = not open */
    size_t size;
    bool in_line; /* what was written last was no whole line */
    int error;    /* errno of the last write, 0 = it is written */
} log_file_t;

/* Makes the folder (mode 0700) when it isn't there. *folder: its descriptor. */
err_t log_folder_open(const char *path, int *folder);
/* Takes the folder for this process: false when another one has it. Ends with the descriptor. */
bool log_folder_lock(int folder);

/* Appends to what is there. When that fails, `error` says so, and each write tries again. */
void log_file_open(log_file_t *log, int folder, const char *name, size_t limit);
void log_file_close(log_file_t *log);
/* Writes all of it; turns to a new file between two lines when the old one is full. What cannot be written is
 * dropped: `error` says so until a write succeeds. */
void log_file_write(log_file_t *log, const char *data, size_t length);
/* The descriptor to write whole lines to behind the back of log_file_write (a log_t does); -1 = none. */
int log_file_descriptor(log_file_t *log);

#endif
