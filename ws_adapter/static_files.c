#include "static_files.h"
#include "common/alloc.h"
#include "common/hash.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct static_files {
    char *prefix, *folder;
    hash_t *loaded; /* path below the folder -> static_file_t */
};

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
};

static_files_t *static_files_new(const char *prefix, const char *folder)
{
    static_files_t *files = alloc_new(static_files_t);

    files->prefix = alloc_string(prefix);
    files->folder = alloc_string(folder);
    files->loaded = hash_new();
    return files;
}

void static_files_free(static_files_t *files)
{
    size_t position = 0;
    const char *path;
    void *file;

    if (!files)
        return;
    while (hash_next(files->loaded, &position, &path, &file))
        static_file_release(file);
    hash_free(files->loaded);
    free(files->prefix);
    free(files->folder);
    free(files);
}

void static_file_release(static_file_t *file)
{
    if (!file || --file->references > 0)
        return;
    free(file->data);
    free(file);
}

bool static_files_owns(const static_files_t *files, const char *path)
{
    return strncmp(path, files->prefix, strlen(files->prefix)) == 0;
}

static const char *type_of(const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t ending = strlen(types[i].ending);
        if (length > ending && strcmp(path + length - ending, types[i].ending) == 0)
            return types[i].type;
    }
    return NULL;
}

/* Plain names with slashes between them: no empty part, none that begins with a dot. */
static bool is_plain(const char *path)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";

    if (strspn(path, allowed) != strlen(path) || path[0] == '.' || path[0] == '/')
        return false;
    return strstr(path, "//") == NULL && strstr(path, "/.") == NULL;
}

/* Opens part by part, so that no part can be a symbolic link. The folder itself may be one. -1 when it
 * cannot. */
static int open_below(const char *folder, const char *path)
{
    int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while (parent >= 0) {
        char part[256];
        size_t length = strcspn(path, "/");
        bool last = path[length] == '\0';
        int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
        int child = -1;
        if (length < sizeof part) {
            memcpy(part, path, length);
            part[length] = '\0';
            child = openat(parent, part, flags);
        }
        close(parent);
        if (last)
            return child;
        parent = child;
        path += length + 1;
    }
    return -1;
}

static bool read_whole(int descriptor, char *data, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t count = read(descriptor, data + done, length - done);
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static static_file_t *load(int descriptor, const struct stat *status, const char *type)
{
    /* Not secret: two programs that serve the same file should agree. */
    static const uint8_t key[16] = "p2p-chat static";
    size_t length = (size_t)status->st_size;
    char *data = try_bytes(length + 1);
    static_file_t *file;
    struct tm when;

    if (!data || !read_whole(descriptor, data, length) || !gmtime_r(&status->st_mtime, &when)) {
        free(data);
        return NULL;
    }
    file = alloc_new(static_file_t);
    file->type = type;
    file->data = data;
    file->length = length;
    file->references = 1;
    file->modified = status->st_mtime;
    file->changed = status->st_mtim;
    file->inode = status->st_ino;
    snprintf(file->etag, sizeof file->etag, "\"%016llx\"", (unsigned long long)hash_bytes(key, data, length));
    strftime(file->last_modified, sizeof file->last_modified, "%a, %d %b %Y %H:%M:%S GMT", &when);
    return file;
}

static bool is_unchanged(const static_file_t *file, const struct stat *status)
{
    return file->length == (size_t)status->st_size && file->inode == status->st_ino &&
           file->changed.tv_sec == status->st_mtim.tv_sec && file->changed.tv_nsec == status->st_mtim.tv_nsec;
}

static_file_t *static_files_get(static_files_t *files, const char *path)
{
    struct stat status;

    if (!static_files_owns(files, path))
        return NULL;
    const char *below = path + strlen(files->prefix);
    if (strcmp(path, "/") == 0)
        below = "index.html";
    const char *type = type_of(below);
    if (!type || !is_plain(below))
        return NULL;
    static_file_t *file = hash_get(files->loaded, below);
    int descriptor = open_below(files->folder, below);
    bool good = descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_size <= STATIC_MAX_BYTES;
    if (!good || !file || !is_unchanged(file, &status)) {
        if (file)
            static_file_release(hash_remove(files->loaded, below));
        file = good ? load(descriptor, &status, type) : NULL;
        if (file)
            hash_put(files->loaded, below, file);
    }
    if (descriptor >= 0)
        close(descriptor);
    if (file)
        file->references++;
    return file;
}

/* Is the tag in a list like "a", W/"b"? */
static bool has_tag(const char *list, const char *tag)
{
    size_t length = strlen(tag);

    for (const char *at = strstr(list, tag); at; at = strstr(at + length, tag)) {
        char before = at == list ? ',' : at[-1], after = at[length];
        if ((before == ',' || before == ' ' || before == '/') &&
            (after == '\0' || after == ',' || after == ' '))
            return true;
    }
    return strcmp(list, "*") == 0;
}

bool static_file_is_fresh(const static_file_t *file, const char *none_match, const char *modified_since)
{
    struct tm when = {0};

    if (none_match)
        return has_tag(none_match, file->etag);
    if (!modified_since)
        return false;
    const char *end = strptime(modified_since, "%a, %d %b %Y %H:%M:%S GMT", &when);
    return end && *end == '\0' && file->modified <= timegm(&when);
}
