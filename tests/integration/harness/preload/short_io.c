/* LD_PRELOAD: a p2p program reads and writes its TCP connections one byte a call. Not the message API: it uses epoll's
 * edges, and with those a short read says that there is no more, as the kernel's do. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_tcp(int descriptor)
{
    static int ours = -1;
    int family, why = errno;
    socklen_t length = sizeof family;

    if (ours < 0)
        ours = strncmp(program_invocation_short_name, "p2p-", 4) == 0 &&
               strcmp(program_invocation_short_name, "p2p-message-api") != 0;
    bool tcp =
        ours && getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 && family == AF_INET;
    errno = why;
    return tcp;
}

static size_t at_most(int descriptor, size_t length)
{
    return length > 1 && is_tcp(descriptor) ? 1 : length;
}

/* The first byte that there is, in a vector of its own. */
static int first_byte(const struct iovec *parts, int count, struct iovec *out)
{
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0) {
            *out = (struct iovec){parts[i].iov_base, 1};
            return 1;
        }
    }
    return 0;
}

ssize_t read(int descriptor, void *to, size_t length)
{
    return syscall(SYS_read, descriptor, to, at_most(descriptor, length));
}

ssize_t write(int descriptor, const void *from, size_t length)
{
    return syscall(SYS_write, descriptor, from, at_most(descriptor, length));
}

ssize_t recv(int descriptor, void *to, size_t length, int flags)
{
    return syscall(SYS_recvfrom, descriptor, to, at_most(descriptor, length), flags, NULL, NULL);
}

ssize_t send(int descriptor, const void *from, size_t length, int flags)
{
    return syscall(SYS_sendto, descriptor, from, at_most(descriptor, length), flags, NULL, 0);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    struct iovec first;
    if (!is_tcp(descriptor))
        return syscall(SYS_writev, descriptor, parts, count);
    return syscall(SYS_writev, descriptor, &first, first_byte(parts, count, &first));
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    struct msghdr one = *message;
    struct iovec first;
    if (is_tcp(descriptor)) {
        one.msg_iovlen = (size_t)first_byte(message->msg_iov, (int)message->msg_iovlen, &first);
        one.msg_iov = &first;
    }
    return syscall(SYS_sendmsg, descriptor, &one, flags);
}
