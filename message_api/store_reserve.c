#include "store_reserve.h"
#include "../common/alloc.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define RETRY_NS UINT64_C(1000000000)

static bool take(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return false;
    struct stat status;
    bool held = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                posix_fallocate(descriptor, 0, RESERVE_BYTES) == 0;
    /* A part of it would only keep others from the disk. */
    if (!held && ftruncate(descriptor, 0) != 0)
        unlink(path);
    close(descriptor);
    return held;
}

void reserve_open(reserve_t *reserve, const char *path)
{
    reserve->path = alloc_format("%s-reserve", path);
    reserve->tried = uv_hrtime();
    reserve->held = take(reserve->path);
}

bool reserve_take(reserve_t *reserve)
{
    uint64_t now = uv_hrtime();
    if (!reserve->held && now - reserve->tried >= RETRY_NS) {
        reserve->tried = now;
        reserve->held = take(reserve->path);
    }
    return reserve->held;
}

void reserve_give_up(reserve_t *reserve)
{
    unlink(reserve->path);
    reserve->held = false;
    reserve->tried = uv_hrtime();
}

void reserve_close(reserve_t *reserve)
{
    free(reserve->path);
    reserve->path = NULL;
}
