/* The files of the page, kept in memory and read again when they change on disk. Only files of known
 * types, only below their folder: no symbolic links, no hidden files, no way out. */
#ifndef P2P_WS_STATIC_FILES_H
#define P2P_WS_STATIC_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

typedef struct static_files static_files_t;

typedef struct static_file {
    const char *type; /* Content-Type */
    char *data;
    size_t length;
    char etag[24];          /* with its quotes */
    char last_modified[32]; /* as HTTP writes it */
    time_t modified;
    /* of the owner alone */
    unsigned references;
    struct timespec changed;
    unsigned long inode;
} static_file_t;

enum { STATIC_MAX_BYTES = 8 * 1024 * 1024 }; /* of one file */

/* prefix: of the URL paths, e.g. "/" or "/vendor/"; folder: where their files are. Copied. */
static_files_t *static_files_new(const char *prefix, const char *folder);
void static_files_free(static_files_t *files);
/* Is the URL path (already decoded) one of ours? */
bool static_files_owns(const static_files_t *files, const char *path);
/* The file of a URL path, "/" being index.html; NULL when there is none. Release it. */
static_file_t *static_files_get(static_files_t *files, const char *path);
void static_file_release(static_file_t *file); /* NULL is allowed */
/* Does the browser have this very file, by what its If-None-Match and If-Modified-Since say (NULL = not
 * there)? */
bool static_file_is_fresh(const static_file_t *file, const char *none_match, const char *modified_since);

#endif
