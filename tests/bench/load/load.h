/* The load generator: many connections to one server in one thread, over epoll; says how fast messages of 64 bytes
 * go through, and fails when one is lost, doubled or out of order. The same code serves every protocol and every
 * work, so that what is compared is the servers. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAYLOAD_BYTES = 64, NAME_BYTES = 16 };

typedef struct load load_t;
typedef struct connection connection_t;
typedef struct protocol protocol_t;
typedef struct work work_t;

typedef struct {
    char *data;
    size_t start, length, capacity; /* start: bytes at the front that are used up */
} bytes_t;

/* Connections 2k and 2k+1 are a pair; `peer` is the other, or itself where a protocol echoes. */
struct connection {
    int fd;
    uint32_t index;
    char name[NAME_BYTES];
    connection_t *peer;
    bool connected, ready, writable_wanted, queued;
    int stage; /* the protocol's own */
    bytes_t in, out;
    uint32_t sent, received, receipts;
    uint64_t sent_at; /* ns: ping-pong */
};

struct protocol {
    const char *name;
    bool echoes;   /* one connection a pair: what it sends comes back to itself */
    bool receipts; /* a sender waits for the acknowledgement of each message */
    const char *(*open)(connection_t *connection, char *text, size_t size); /* the first words; NULL: wait */
    /* Takes one frame from data; answers how many bytes it was, 0 when it isn't whole. */
    size_t (*take)(load_t *load, connection_t *connection, char *data, size_t length);
    void (*send)(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES]);
};

struct work {
    const char *name;
    void (*on_ready)(load_t *load, connection_t *connection);
    void (*on_message)(load_t *load, connection_t *connection);
    void (*on_receipt)(load_t *load, connection_t *connection);
    bool (*is_done)(const load_t *load);
    bool senders_only; /* no receivers: the messages go to people who are away */
};

struct load {
    const protocol_t *protocol;
    const work_t *work;
    uint32_t pairs, messages, window, logins_at_once; /* messages and window: a pair */
    const char *host;
    int port;
    int epoll;
    connection_t *connections;
    uint32_t count, opened, ready;
    connection_t **queue; /* connections with something to send or fill */
    uint32_t queue_length;
    uint64_t total_received, total_receipts, total_sent;
    uint64_t started, ended; /* ns */
    uint32_t *latencies;     /* ns, ping-pong */
    size_t latency_count;
};

extern const protocol_t protocols[];
extern const size_t protocol_count;
extern const work_t works[];
extern const size_t work_count;

uint64_t now_ns(void);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void bytes_append(bytes_t *bytes, const char *data, size_t length);
void bytes_append_text(bytes_t *bytes, const char *text);

/* What protocols tell. */
void load_ready(load_t *load, connection_t *connection);
void load_message(load_t *load, connection_t *connection, const char *payload);
void load_receipt(load_t *load, connection_t *connection);

/* What works ask. */
void load_queue(load_t *load, connection_t *connection); /* flush it at the end of this turn */
void load_send(load_t *load, connection_t *connection, const char *to);

void load_run(load_t *load);
void load_free(load_t *load);

#endif
