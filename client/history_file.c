#include "history_file.h"
#include "common/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* readline's headers need stdio.h before them */
#include <readline/history.h>

enum { HISTORY_LINES = 1000 };

/* Makes every folder of the path but the last part. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0700) < 0 && errno != EEXIST;
        *slash = '/';
        if (failed)
            return false;
    }
    return true;
}

static char *history_path(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    if (state && state[0] == '/')
        return alloc_format("%s/p2p-chat/history", state);
    const char *home = getenv("HOME");
    if (home && home[0] == '/')
        return alloc_format("%s/.local/state/p2p-chat/history", home);
    return NULL;
}

char *history_file_open(void)
{
    using_history();
    stifle_history(HISTORY_LINES);
    char *path = history_path();
    int file = -1;
    if (path && make_folders(path))
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || fchmod(file, 0600) < 0) {
        free(path);
        path = NULL;
    } else {
        read_history(path);
    }
    if (file >= 0)
        close(file);
    return path;
}

void history_file_add(const char *path, const char *line)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (last && strcmp(last->line, line) == 0)
        return;
    add_history(line);
    if (path && !strchr(line, '\n')) /* the file knows no entries of several lines */
        append_history(1, path);
}

void history_file_close(const char *path)
{
    if (path)
        history_truncate_file(path, HISTORY_LINES);
    clear_history();
}
