/* LD_PRELOAD: the Nth allocation of a p2p program fails. The file that P2P_FAILING_ALLOC names is shared with the test:
 * a count of the allocations so far, the number of the one that fails (0: none), and from which size on they count. */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    _Atomic uint64_t count, fails, smallest;
} shared_t;

static shared_t *shared;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* The shell and its like that run before the program inherit the preload, too. */
__attribute__((constructor)) static void open_shared(void)
{
    const char *path = getenv("P2P_FAILING_ALLOC");
    if (path == NULL || strncmp(program_invocation_short_name, "p2p-", 4) != 0)
        return;
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        abort();
    void *memory = mmap(NULL, sizeof(shared_t), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (memory == MAP_FAILED)
        abort();
    void *frame;
    backtrace(&frame, 1); /* the first one loads a library */
    shared = memory;
}

/* For addr2line -e PROGRAM. */
static void say_where(void)
{
    void *frames[16];
    int count = backtrace(frames, 16);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
}

static bool fails(size_t size)
{
    if (shared == NULL || size < atomic_load(&shared->smallest) ||
        atomic_fetch_add(&shared->count, 1) + 1 != atomic_load(&shared->fails))
        return false;
    say_where();
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
    return fails(size) ? NULL : __libc_realloc(pointer, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(size) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
    void *memory = fails(size) ? NULL : __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *pointer = memory;
    return 0;
}
