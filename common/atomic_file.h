/* Small state files that are whole at any moment: after a crash there is the old content or the new, never a
 * part. Blocking (some milliseconds for the disk): for states of services, which change seldom. One writer a
 * path. */
#ifndef P2P_ATOMIC_FILE_H
#define P2P_ATOMIC_FILE_H
#include "buffer.h"

/* On the disk when it returns ERR_OK. The file has mode 0600; its folder is made (mode 0700) when there is
 * none. On an error the old content stays: ERR_DISK_FULL, ERR_TOO_LONG (path), ERR_IO (errno says why). */
err_t atomic_file_write(const char *path, const void *data, size_t length);
/* Appends the file's bytes to out. ERR_NOT_FOUND, ERR_TOO_LONG when it holds more than `limit` bytes, ERR_IO
 * (errno says why), or what buffer_append says; out is as it was then. */
err_t atomic_file_read(const char *path, size_t limit, buffer_t *out);

#endif
