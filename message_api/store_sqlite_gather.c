#include "store_sqlite_gather.h"
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { GATHER_BYTES = 64 * 1024 }; /* SQLite writes less than 128 KiB at once */

/* Behind SQLite's own part of a WAL's file. */
typedef struct {
    sqlite3_io_methods methods; /* first, so that the file's methods lead here */
    const sqlite3_io_methods *real;
    sqlite3_int64 offset; /* in the file, of what was gathered */
    int length;
    char *data; /* GATHER_BYTES */
} gather_t;

static gather_t *gather_of(sqlite3_file *file)
{
    return (gather_t *)(uintptr_t)file->pMethods;
}

/* What could not be written is dropped: it is of a commit that fails with this. */
static int flush(sqlite3_file *file)
{
    gather_t *gather = gather_of(file);
    int length = gather->length;

    gather->length = 0;
    return length == 0 ? SQLITE_OK : gather->real->xWrite(file, gather->data, length, gather->offset);
}

static int gather_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    gather_t *gather = gather_of(file);

    if (offset != gather->offset + gather->length || length > GATHER_BYTES - gather->length) {
        int code = flush(file);
        if (code != SQLITE_OK)
            return code;
    }
    if (length > GATHER_BYTES)
        return gather->real->xWrite(file, data, length, offset);
    if (gather->length == 0)
        gather->offset = offset;
    memcpy(gather->data + gather->length, data, (size_t)length);
    gather->length += length;
    return SQLITE_OK;
}

static int gather_sync(sqlite3_file *file, int flags)
{
    int code = flush(file);
    return code == SQLITE_OK ? gather_of(file)->real->xSync(file, flags) : code;
}

static int gather_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
    int code = flush(file);
    return code == SQLITE_OK ? gather_of(file)->real->xRead(file, data, length, offset) : code;
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = flush(file);
    return code == SQLITE_OK ? gather_of(file)->real->xTruncate(file, size) : code;
}

static int gather_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int code = flush(file);
    return code == SQLITE_OK ? gather_of(file)->real->xFileSize(file, size) : code;
}

static int gather_close(sqlite3_file *file)
{
    gather_t *gather = gather_of(file);
    int flushed = flush(file), closed = gather->real->xClose(file);

    free(gather->data);
    return flushed != SQLITE_OK ? flushed : closed;
}

static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *base = sqlite3_vfs_find(SQLITE_GATHER_BASE);
    gather_t *gather = (gather_t *)((char *)file + (vfs->szOsFile - (int)sizeof(gather_t)));
    int code = base->xOpen(base, name, file, flags, out_flags);

    if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0)
        return code;
    *gather = (gather_t){.methods = *file->pMethods, .real = file->pMethods, .data = malloc(GATHER_BYTES)};
    if (gather->data == NULL) {
        file->pMethods->xClose(file);
        file->pMethods = NULL;
        return SQLITE_NOMEM;
    }
    gather->methods.xWrite = gather_write;
    gather->methods.xSync = gather_sync;
    gather->methods.xRead = gather_read;
    gather->methods.xTruncate = gather_truncate;
    gather->methods.xFileSize = gather_size;
    gather->methods.xClose = gather_close;
    file->pMethods = &gather->methods;
    return SQLITE_OK;
}

int sqlite_gather_register(void)
{
    static sqlite3_vfs vfs; /* SQLite's for ever */

    if (sqlite3_vfs_find(SQLITE_GATHER_VFS) != NULL)
        return SQLITE_OK;
    vfs = *sqlite3_vfs_find(SQLITE_GATHER_BASE);
    /* Both parts are made of pointers and numbers of eight bytes. */
    vfs.szOsFile = (vfs.szOsFile + 7) / 8 * 8 + (int)sizeof(gather_t);
    vfs.zName = SQLITE_GATHER_VFS;
    vfs.xOpen = gather_open;
    return sqlite3_vfs_register(&vfs, 0);
}
