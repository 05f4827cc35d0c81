/* What is done to a server. */
#include "load.h"
#include <stdlib.h>

/* ---- flood: every pair's first floods its second, a window of messages in flight ---- */

enum { OUT_AHEAD = 64 * 1024 };

static bool all_ready(const load_t *load)
{
    return load->ready == load->count;
}

static uint32_t in_flight(const load_t *load, const connection_t *sender)
{
    uint32_t flying = load->work->senders_only ? 0 : sender->sent - sender->peer->received;
    uint32_t unanswered = load->protocol->receipts ? sender->sent - sender->receipts : 0;

    return flying > unanswered ? flying : unanswered;
}

static void fill(load_t *load, connection_t *sender)
{
    while (sender->sent < load->messages && in_flight(load, sender) < load->window &&
           sender->out.length < OUT_AHEAD)
        load_send(load, sender, sender->peer->name);
}

/* Half a window at a time, so that writes are as large as a program that pipelines would make them. */
static void refill(load_t *load, connection_t *sender)
{
    if (in_flight(load, sender) <= load->window / 2)
        fill(load, sender);
}

static void start_flood(load_t *load, connection_t *connection)
{
    (void)connection;
    if (!all_ready(load))
        return;
    load->started = now_ns();
    uint32_t step = load->count / load->pairs;
    for (uint32_t i = 0; i < load->count; i += step)
        fill(load, &load->connections[i]);
}

static void flood_message(load_t *load, connection_t *connection)
{
    refill(load, connection->peer);
}

static void flood_receipt(load_t *load, connection_t *connection)
{
    refill(load, connection);
}

static bool flood_done(const load_t *load)
{
    uint64_t all = (uint64_t)load->pairs * load->messages;

    return load->total_received >= all && (!load->protocol->receipts || load->total_receipts >= all);
}

/* ---- ping-pong: one message in flight a pair ---- */

static void serve(load_t *load, connection_t *connection)
{
    connection->sent_at = now_ns();
    load_send(load, connection, connection->peer->name);
}

static void start_pingpong(load_t *load, connection_t *connection)
{
    (void)connection;
    if (!all_ready(load))
        return;
    load->latencies = malloc((size_t)load->pairs * load->messages * sizeof *load->latencies);
    load->started = now_ns();
    for (uint32_t i = 0; i < load->count; i += 2)
        serve(load, &load->connections[i]);
}

static void pingpong_message(load_t *load, connection_t *connection)
{
    load->latencies[load->latency_count++] = (uint32_t)(now_ns() - connection->peer->sent_at);
    if (connection->sent + connection->received < load->messages)
        serve(load, connection);
}

static bool pingpong_done(const load_t *load)
{
    return load->total_received >= (uint64_t)load->pairs * load->messages;
}

/* ---- offline: to people who are away ---- */

enum { MAILBOX_MESSAGES = 5000 };

static void fill_mailboxes(load_t *load, connection_t *sender)
{
    char to[NAME_BYTES * 2];

    while (sender->sent < load->messages && in_flight(load, sender) < load->window) {
        /* a new name now and then: mailboxes are bounded */
        int length = 0;
        uint32_t number = sender->index * 1000000u + sender->sent / MAILBOX_MESSAGES;
        to[length++] = 'z';
        do
            to[length++] = (char)('0' + number % 10);
        while ((number /= 10) > 0);
        to[length] = '\0';
        load_send(load, sender, to);
    }
}

static void start_offline(load_t *load, connection_t *connection)
{
    (void)connection;
    if (!all_ready(load))
        return;
    load->started = now_ns();
    for (uint32_t i = 0; i < load->count; i++)
        fill_mailboxes(load, &load->connections[i]);
}

static void offline_receipt(load_t *load, connection_t *connection)
{
    if (load->window == 1 || in_flight(load, connection) <= load->window / 2)
        fill_mailboxes(load, connection);
}

static bool offline_done(const load_t *load)
{
    return load->total_receipts >= (uint64_t)load->pairs * load->messages;
}

/* ---- login: that many sessions; idle: they stay until the caller has looked ---- */

static void ignore(load_t *load, connection_t *connection)
{
    (void)load;
    (void)connection;
}

const work_t works[] = {
    {"flood", start_flood, flood_message, flood_receipt, flood_done, false},
    {"pingpong", start_pingpong, pingpong_message, ignore, pingpong_done, false},
    {"offline", start_offline, ignore, offline_receipt, offline_done, true},
    {"login", ignore, ignore, ignore, all_ready, false},
    {"idle", ignore, ignore, ignore, all_ready, false},
};
const size_t work_count = sizeof works / sizeof works[0];
