#include "log_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_FILE_LINE = 1024 * 1024 }; /* so far past the limit it is cut inside a line */

err_t log_folder_open(const char *path, int *folder)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ERR_IO;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return ERR_IO;
    /* The folder comes with the sources, with whatever mode the checkout gave it. */
    if (fchmod(descriptor, 0700) != 0) {
        int why = errno;
        close(descriptor);
        errno = why;
        return ERR_IO;
    }
    *folder = descriptor;
    return ERR_OK;
}

bool log_folder_lock(int folder)
{
    return flock(folder, LOCK_EX | LOCK_NB) == 0;
}

static err_t open_file(log_file_t *log)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    int descriptor = openat(log->folder, log->name, flags, 0600);
    struct stat status;
    if (descriptor < 0)
        return ERR_IO;
    if (fchmod(descriptor, 0600) != 0 || fstat(descriptor, &status) != 0) {
        int why = errno;
        close(descriptor);
        errno = why;
        return ERR_IO;
    }
    log->descriptor = descriptor;
    log->size = (size_t)status.st_size;
    return ERR_OK;
}

void log_file_open(log_file_t *log, int folder, const char *name, size_t limit)
{
    *log = (log_file_t){.folder = folder, .name = name, .limit = limit, .descriptor = -1};
    if (open_file(log) != ERR_OK)
        log->error = errno;
}

void log_file_close(log_file_t *log)
{
    if (log->descriptor >= 0)
        close(log->descriptor);
    log->descriptor = -1;
}

static void set_aside(log_file_t *log)
{
    char from[128], to[128];
    for (int age = LOG_FILE_KEPT; age > 0; age--) {
        snprintf(to, sizeof to, "%s.%d", log->name, age);
        if (age > 1)
            snprintf(from, sizeof from, "%s.%d", log->name, age - 1);
        else
            snprintf(from, sizeof from, "%s", log->name);
        /* Not every age is there yet. */
        (void)renameat(log->folder, from, log->folder, to);
    }
    log_file_close(log);
}

/* Makes sure that there is an open file with room in it. */
static err_t make_room(log_file_t *log)
{
    bool full = log->size >= log->limit && (!log->in_line || log->size >= log->limit + LOG_FILE_LINE);
    if (log->descriptor >= 0 && full)
        set_aside(log);
    return log->descriptor >= 0 ? ERR_OK : open_file(log);
}

void log_file_write(log_file_t *log, const char *data, size_t length)
{
    if (length == 0)
        return;
    if (make_room(log) != ERR_OK) {
        log->error = errno;
        return;
    }
    while (length > 0) {
        ssize_t written = write(log->descriptor, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            log->error = errno;
            return;
        }
        data += written;
        length -= (size_t)written;
        log->size += (size_t)written;
    }
    log->in_line = data[-1] != '\n';
    log->error = 0;
}

int log_file_descriptor(log_file_t *log)
{
    struct stat status;
    if (log->descriptor >= 0 && fstat(log->descriptor, &status) == 0)
        log->size = (size_t)status.st_size;
    return make_room(log) == ERR_OK ? log->descriptor : -1;
}
