#include "atomic_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char TEMPORARY[] = ".new";

static err_t from_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_IO;
}

/* "." for a plain name, "/" for a file of the root. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;

    if (strlen(path) + sizeof(TEMPORARY) > PATH_MAX)
        return false;
    if (slash == path)
        length = 1;
    memcpy(folder, slash ? path : ".", slash ? length : 1);
    folder[slash ? length : 1] = '\0';
    return true;
}

static err_t write_all(int descriptor, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return from_errno();
        data += written;
        length -= (size_t)written;
    }
    return ERR_OK;
}

static err_t write_file(const char *path, const void *data, size_t length)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return from_errno();
    err_t err = write_all(descriptor, data, length);
    if (err == ERR_OK && fsync(descriptor) != 0)
        err = from_errno();
    int why = errno;
    if (close(descriptor) != 0 && err == ERR_OK)
        return from_errno();
    errno = why;
    return err;
}

/* A rename is on the disk when the folder is. */
static err_t sync_folder(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return ERR_IO;
    err_t err = fsync(descriptor) == 0 ? ERR_OK : from_errno();
    int why = errno;
    close(descriptor);
    errno = why;
    return err;
}

/* The folder's own name must be on the disk too, or the file is lost with it. */
static err_t make_folder(const char *folder)
{
    char above[PATH_MAX];

    if (mkdir(folder, 0700) != 0)
        return errno == EEXIST ? ERR_OK : from_errno();
    return folder_of(folder, above) ? sync_folder(above) : ERR_TOO_LONG;
}

err_t atomic_file_write(const char *path, const void *data, size_t length)
{
    char folder[PATH_MAX], temporary[PATH_MAX];

    if (!folder_of(path, folder))
        return ERR_TOO_LONG;
    snprintf(temporary, sizeof(temporary), "%s%s", path, TEMPORARY);
    err_t err = make_folder(folder);
    if (err != ERR_OK)
        return err;
    err = write_file(temporary, data, length);
    if (err == ERR_OK && rename(temporary, path) != 0)
        err = from_errno();
    if (err != ERR_OK) {
        int why = errno;
        unlink(temporary);
        errno = why;
        return err;
    }
    return sync_folder(folder);
}

err_t atomic_file_read(const char *path, size_t limit, buffer_t *out)
{
    size_t before = out->length;
    err_t err = ERR_OK;
    char chunk[8192];
    ssize_t count;

    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    while (err == ERR_OK && (count = read(descriptor, chunk, sizeof(chunk))) != 0) {
        if (count < 0)
            err = errno == EINTR ? ERR_OK : ERR_IO;
        else if ((size_t)count > limit - (out->length - before))
            err = ERR_TOO_LONG;
        else
            err = buffer_append(out, chunk, (size_t)count);
    }
    int why = errno;
    close(descriptor);
    errno = why;
    if (err != ERR_OK) {
        out->length = before;
        if (out->data)
            out->data[before] = '\0';
    }
    return err;
}
