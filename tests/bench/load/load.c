#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, EVENTS = 512, STALL_MS = 20000 };

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("p2p-load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* ---- bytes ---- */

void bytes_append(bytes_t *bytes, const char *data, size_t length)
{
    if (bytes->start > 0 && bytes->start + bytes->length + length > bytes->capacity) {
        memmove(bytes->data, bytes->data + bytes->start, bytes->length);
        bytes->start = 0;
    }
    if (bytes->length + length > bytes->capacity) {
        bytes->capacity = (bytes->length + length) * 2;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            fail("out of memory");
    }
    memcpy(bytes->data + bytes->start + bytes->length, data, length);
    bytes->length += length;
}

void bytes_append_text(bytes_t *bytes, const char *text)
{
    bytes_append(bytes, text, strlen(text));
}

static void bytes_drop(bytes_t *bytes, size_t length)
{
    bytes->start += length;
    bytes->length -= length;
    if (bytes->length == 0) {
        free(bytes->data);
        memset(bytes, 0, sizeof *bytes);
    }
}

/* ---- messages ---- */

static void put_number(char *out, uint32_t number)
{
    for (int i = 9; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

void load_send(load_t *load, connection_t *connection, const char *to)
{
    char payload[PAYLOAD_BYTES];

    memset(payload, 'x', sizeof payload);
    put_number(payload, connection->sent++);
    load->total_sent++;
    load->protocol->send(connection, to, payload);
    load_queue(load, connection);
}

void load_ready(load_t *load, connection_t *connection)
{
    if (connection->ready)
        return;
    connection->ready = true;
    load->ready++;
    load->work->on_ready(load, connection);
}

void load_message(load_t *load, connection_t *connection, const char *payload)
{
    char expected[10];

    put_number(expected, connection->received);
    if (memcmp(payload, expected, sizeof expected) != 0)
        fail("%s: message %.10s came, not %.10s: lost, doubled or out of order", connection->name, payload,
             expected);
    connection->received++;
    load->total_received++;
    load->work->on_message(load, connection);
}

void load_receipt(load_t *load, connection_t *connection)
{
    connection->receipts++;
    load->total_receipts++;
    load->work->on_receipt(load, connection);
}

/* ---- the wire ---- */

static void watch(load_t *load, connection_t *connection, int operation, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = connection};

    connection->writable_wanted = writable;
    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static void flush(load_t *load, connection_t *connection)
{
    if (connection->out.length > 0) {
        ssize_t count = send(connection->fd, connection->out.data + connection->out.start,
                             connection->out.length, MSG_NOSIGNAL);
        if (count > 0)
            bytes_drop(&connection->out, (size_t)count);
        else if (errno != EAGAIN)
            fail("%s: send: %s", connection->name, strerror(errno));
    }
    bool writable = connection->out.length > 0;
    if (writable != connection->writable_wanted)
        watch(load, connection, EPOLL_CTL_MOD, writable);
}

void load_queue(load_t *load, connection_t *connection)
{
    if (connection->queued)
        return;
    connection->queued = true;
    load->queue[load->queue_length++] = connection;
}

static void flush_queue(load_t *load)
{
    for (uint32_t i = 0; i < load->queue_length; i++) {
        load->queue[i]->queued = false;
        flush(load, load->queue[i]);
    }
    load->queue_length = 0;
}

static size_t take_all(load_t *load, connection_t *connection, char *data, size_t length)
{
    size_t used = 0, count;

    while (used < length && (count = load->protocol->take(load, connection, data + used, length - used)) > 0)
        used += count;
    return used;
}

static void receive(load_t *load, connection_t *connection)
{
    static char buffer[READ_BYTES];
    ssize_t count = recv(connection->fd, buffer, sizeof buffer, 0);

    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0)
        fail("%s: the server has ended the connection: %s", connection->name,
             count < 0 ? strerror(errno) : "closed");
    if (connection->in.length > 0) {
        bytes_append(&connection->in, buffer, (size_t)count);
        bytes_drop(&connection->in, take_all(load, connection, connection->in.data + connection->in.start,
                                             connection->in.length));
        return;
    }
    size_t used = take_all(load, connection, buffer, (size_t)count);
    if (used < (size_t)count)
        bytes_append(&connection->in, buffer + used, (size_t)count - used);
}

static void on_connected(load_t *load, connection_t *connection)
{
    char text[1024];
    int error = 0, one = 1;
    socklen_t size = sizeof error;

    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        fail("%s: connect: %s", connection->name, strerror(error));
    connection->connected = true;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const char *words = load->protocol->open(connection, text, sizeof text);
    if (words) {
        bytes_append_text(&connection->out, words);
        load_queue(load, connection);
    }
    watch(load, connection, EPOLL_CTL_MOD, false);
    if (!load->protocol->take) /* nothing to say first: the relay */
        fail("protocol without take");
}

static void open_connection(load_t *load, uint32_t index)
{
    connection_t *connection = &load->connections[index];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    /* Loopback has 28,000 ports to an address: beyond that the next address would be needed. */

    if (inet_pton(AF_INET, load->host, &address.sin_addr) != 1)
        fail("not an address: %s", load->host);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        fail("socket: %s", strerror(errno));
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    watch(load, connection, EPOLL_CTL_ADD, true);
}

static void open_more(load_t *load)
{
    while (load->opened < load->count && load->opened - load->ready < load->logins_at_once)
        open_connection(load, load->opened++);
}

static void prepare(load_t *load)
{
    uint32_t step = load->protocol->echoes || load->work->senders_only ? 1 : 2;

    load->count = load->pairs * step;
    load->connections = calloc(load->count, sizeof *load->connections);
    load->queue = calloc(load->count, sizeof *load->queue);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load->connections || !load->queue || load->epoll < 0)
        fail("out of memory");
    for (uint32_t i = 0; i < load->count; i++) {
        connection_t *connection = &load->connections[i];
        connection->index = i;
        connection->peer = step == 1 ? connection : &load->connections[i ^ 1];
        snprintf(connection->name, sizeof connection->name, "u%u", i);
    }
}

static void on_event(load_t *load, const struct epoll_event *event)
{
    connection_t *connection = event->data.ptr;

    if (!connection->connected) {
        on_connected(load, connection);
        return;
    }
    if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(load, connection);
    if (event->events & EPOLLOUT)
        load_queue(load, connection);
}

void load_run(load_t *load)
{
    struct epoll_event events[EVENTS];

    prepare(load);
    if (load->work->is_done == NULL)
        fail("work without an end");
    load->started = now_ns();
    do {
        open_more(load);
        int count = epoll_wait(load->epoll, events, EVENTS, STALL_MS);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait: %s", strerror(errno));
        if (count == 0)
            fail("nothing for %d s: %u of %u ready, %lu sent, %lu received, %lu receipts: lost?",
                 STALL_MS / 1000, load->ready, load->count, load->total_sent, load->total_received,
                 load->total_receipts);
        for (int i = 0; i < count; i++)
            on_event(load, &events[i]);
        flush_queue(load);
    } while (!load->work->is_done(load));
    load->ended = now_ns();
}

void load_free(load_t *load)
{
    for (uint32_t i = 0; i < load->opened; i++) {
        close(load->connections[i].fd);
        free(load->connections[i].in.data);
        free(load->connections[i].out.data);
    }
    close(load->epoll);
    free(load->connections);
    free(load->queue);
    free(load->latencies);
}
