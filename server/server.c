#include "server.h"
#include "../common/alloc.h"
#include "limits.h"
#include "listener.h"
#include "mailbox.h"
#include "session.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void server_count_unstored(server_t *server, size_t more, size_t less)
{
    server->unstored += more;
    server->unstored -= less;
    if (server->unstored > LIMIT_UNSTORED)
        server->unstored_full = true;
    else if (server->unstored < LIMIT_UNSTORED_RESUME)
        server->unstored_full = false;
}

bool server_is_full(const server_t *server)
{
    return server->unstored_full && store_client_state(server->store) == ERR_OK;
}

/* A crowd leaves holes in the heap, which the C library keeps. */
static void on_trim(uv_timer_t *timer)
{
    server_t *server = timer->data;

    malloc_trim(0);
    if (--server->trims == 0)
        uv_timer_stop(timer);
}

void server_count_change(server_t *server)
{
    if (++server->changes < LIMIT_CROWD || server->stopping)
        return;
    server->changes = 0;
    server->trims = 2;
    if (!uv_is_active((uv_handle_t *)&server->trim_timer))
        uv_timer_start(&server->trim_timer, on_trim, LIMIT_TRIM, LIMIT_TRIM);
}

/* ---- start ---- */

err_t server_start(daemon_t *daemon, const config_t *config, server_t **out)
{
    server_t *server = alloc_new(server_t);

    server->config = config;
    server->daemon = daemon;
    server->loop = daemon_loop(daemon);
    server->log = &daemon->log;
    TAILQ_INIT(&server->sessions);
    server->users = users_new();
    server->turn = output_turn_new(server->loop, OUTPUT_LIMITS_DEFAULT, &session_output_events);
    server->mailboxes = hash_new();
    server->tracked = hash_new();
    server->recent = recent_new(LIMIT_RECENT);
    server->presence = presence_new(server);
    server->watch = watch_new(server->loop, session_on_tick);
    uv_timer_init(server->loop, &server->stop_timer);
    uv_timer_init(server->loop, &server->trim_timer);
    server->stop_timer.data = server->trim_timer.data = server;
    *out = server;

    server->store = store_client_new(server->loop, config->api_base, config->token, server->log,
                                     &mailbox_store_events, server);
    if (!server->store)
        return ERR_INVALID_SETTING;
    return listener_start(server, config->host, (int)config->port, &server->listener);
}

int server_port(const server_t *server)
{
    return listener_port(server->listener);
}

/* ---- stop ---- */

static void end_sessions(server_t *server)
{
    session_t *session;

    while ((session = TAILQ_FIRST(&server->sessions)) != NULL) {
        if (session->state < SESSION_CLOSING) {
            session->protocol->say_end(session, ERR_CLOSED);
            session->heard_all = true; /* nothing more is waited for */
            session_end(session, ERR_CLOSED);
        } else {
            session_close_now(session);
        }
    }
}

/* What the store has not taken by now. JSON senders have no receipt and send it again; people are told. */
static void tell_lost(server_t *server)
{
    size_t position = 0;
    const char *key;
    void *value;

    while (hash_next(server->tracked, &position, &key, &value)) {
        const delivery_t *delivery = value;
        const mailbox_t *sender = mailbox_find(server, delivery->message.sender);
        if (delivery->put == PUT_QUEUED && !delivery->got && sender && sender->session &&
            sender->session->protocol == &text_protocol)
            text_protocol.on_receipt(sender->session, delivery, RECEIPT_REJECTED, ERR_STORE_UNAVAILABLE);
    }
}

static void close_common(server_t *server)
{
    watch_free(server->watch);
    presence_free(server->presence);
    output_turn_free(server->turn);
    uv_close((uv_handle_t *)&server->trim_timer, NULL);
    uv_close((uv_handle_t *)&server->stop_timer, NULL);
}

static void close_parts(server_t *server)
{
    tell_lost(server);
    end_sessions(server);
    store_client_free(server->store);
    server->store = NULL;
    close_common(server);
}

static void on_stop_tick(uv_timer_t *timer)
{
    server_t *server = timer->data;
    session_t *session;

    TAILQ_FOREACH(session, &server->sessions, in_all)
    {
        if (session->mailbox)
            session_poll_written(session);
    }
    bool done = store_client_is_idle(server->store) || store_client_state(server->store) != ERR_OK;
    if (!done && uv_now(server->loop) < server->stop_deadline)
        return;
    uv_timer_stop(timer);
    close_parts(server);
}

static void spill_all(server_t *server)
{
    size_t position = 0;
    const char *username;
    void *mailbox;

    while (hash_next(server->mailboxes, &position, &username, &mailbox))
        mailbox_spill(mailbox);
}

void server_stop(server_t *server)
{
    session_t *session;

    server->stopping = true;
    listener_close(server->listener);
    server->listener = NULL;
    if (!server->store) {
        close_common(server);
        return;
    }
    TAILQ_FOREACH(session, &server->sessions, in_all)
    {
        session_stop_reading(session);
    }
    spill_all(server);
    server->stop_deadline = uv_now(server->loop) + LIMIT_STOP;
    uv_timer_start(&server->stop_timer, on_stop_tick, LIMIT_TICK, LIMIT_TICK);
}

void server_free(server_t *server)
{
    size_t position = 0;
    const char *username;
    void *mailbox;

    if (!server)
        return;
    while (hash_next(server->mailboxes, &position, &username, &mailbox))
        mailbox_free(mailbox);
    hash_free(server->mailboxes);
    hash_free(server->tracked);
    users_free(server->users);
    recent_free(server->recent);
    if (server->spare_reader)
        line_reader_free(server->spare_reader);
    free(server->spare_reader);
    free(server);
}
