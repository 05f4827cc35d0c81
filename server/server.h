/* The server: owns everything, and is passed to everything. */
#ifndef P2P_SERVER_SERVER_H
#define P2P_SERVER_SERVER_H
#include "../common/daemon.h"
#include "../common/hash.h"
#include "config.h"
#include "presence.h"
#include "recent.h"
#include "session.h"
#include "stamp.h"
#include "store_client.h"
#include "users.h"
#include "watch.h"

typedef struct listener listener_t;

typedef struct server {
    const config_t *config;
    daemon_t *daemon;
    uv_loop_t *loop;
    const log_t *log;
    listener_t *listener;
    users_t *users;
    output_turn_t *turn; /* of all sessions */
    presence_t *presence;
    watch_t *watch;
    store_client_t *store;
    hash_t *mailboxes; /* by username to mailbox_t */
    uint64_t mailboxes_freed;
    hash_t *tracked; /* by delivery_key to delivery_t, of all mailboxes */
    recent_t *recent;
    struct session_list sessions;
    size_t session_count;
    uint64_t last_serial;
    stamp_t stamp;      /* of the lines that are being taken */
    size_t unstored;    /* bytes of messages that are not on disk */
    bool unstored_full; /* senders are not read */
    bool stopping;
    uv_timer_t trim_timer;
    unsigned trims;   /* still to come */
    unsigned changes; /* sessions that came or went since memory was last given back */
    uv_timer_t stop_timer;
    uint64_t stop_deadline;
    line_reader_t *spare_reader; /* of the session that was read last: warm */
    char read_buffer[64 * 1024]; /* one for all sessions: a read is taken in at once */
} server_t;

/* Builds the parts and listens. On error it is in the log, and what was built is closed. */
err_t server_start(daemon_t *daemon, const config_t *config, server_t **out);
int server_port(const server_t *server);
/* Takes nothing more, gives the store what is under way (at most LIMIT_STOP), tells the sessions, closes all
 * handles. */
void server_stop(server_t *server);
/* When the loop has ended. */
void server_free(server_t *server);

/* A session has come or gone. */
void server_count_change(server_t *server);
/* Should senders wait for the disk? Not while the store is away: then they are told instead. */
bool server_is_full(const server_t *server);
void server_count_unstored(server_t *server, size_t more, size_t less);

#endif
