/* p2p-bench-relay: the ceiling of a chat server. Accepts connections two by two and forwards bytes unread between the
 * two of a pair. Prints `ready port=N`. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, READ_BYTES = 64 * 1024, EVENTS = 256 };

/* What `from` said and `to` has not taken yet; while there is any, `from` is not read. */
typedef struct side {
    int fd;
    struct side *peer;
    char *pending;
    size_t start, length;
} side_t;

static void watch(int epoll, int operation, side_t *side, bool readable, bool writable)
{
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0),
                                .data.ptr = side};

    if (epoll_ctl(epoll, operation, side->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void refresh(int epoll, side_t *side)
{
    watch(epoll, EPOLL_CTL_MOD, side, side->length == 0, side->peer && side->peer->length > 0);
}

static void drain(int epoll, side_t *from)
{
    ssize_t count = send(from->peer->fd, from->pending + from->start, from->length, MSG_NOSIGNAL);

    if (count < 0)
        return;
    from->start += (size_t)count;
    from->length -= (size_t)count;
    if (from->length == 0) {
        free(from->pending);
        from->pending = NULL;
        refresh(epoll, from);
        refresh(epoll, from->peer);
    }
}

static void forward(int epoll, side_t *from)
{
    static char buffer[READ_BYTES];
    ssize_t count = recv(from->fd, buffer, sizeof buffer, 0);

    if (count <= 0) {
        if (count == 0 || errno != EAGAIN)
            epoll_ctl(epoll, EPOLL_CTL_DEL, from->fd, NULL);
        return;
    }
    ssize_t sent = send(from->peer->fd, buffer, (size_t)count, MSG_NOSIGNAL);
    if (sent == count)
        return;
    sent = sent < 0 ? 0 : sent;
    from->pending = malloc((size_t)(count - sent));
    if (!from->pending)
        exit(1);
    memcpy(from->pending, buffer + sent, (size_t)(count - sent));
    from->start = 0;
    from->length = (size_t)(count - sent);
    refresh(epoll, from);
    refresh(epoll, from->peer);
}

static void accept_all(int epoll, int listener, side_t *sides, int *count)
{
    int fd, one = 1;

    while (*count < MOST && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        side_t *side = &sides[*count];
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        side->fd = fd;
        if (*count % 2 == 1) {
            side->peer = side - 1;
            side->peer->peer = side;
            watch(epoll, EPOLL_CTL_ADD, side->peer, true, false);
            watch(epoll, EPOLL_CTL_ADD, side, true, false);
        }
        ++*count;
    }
}

static int listen_on_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        perror("listen");
        exit(1);
    }
    printf("ready port=%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(void)
{
    struct epoll_event events[EVENTS];
    struct rlimit limit;
    int epoll = epoll_create1(0), count = 0;
    side_t *sides = calloc(MOST, sizeof *sides);

    if (!sides || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    side_t listener = {.fd = listen_on_free_port()};
    watch(epoll, EPOLL_CTL_ADD, &listener, true, false);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            side_t *side = events[i].data.ptr;
            if (side == &listener) {
                accept_all(epoll, listener.fd, sides, &count);
                continue;
            }
            if ((events[i].events & EPOLLOUT) && side->peer->length > 0)
                drain(epoll, side->peer);
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && side->length == 0)
                forward(epoll, side);
        }
    }
}
