/* The inside of the SQLite store, shared by its files:
 *   store_sqlite.c          the backend: one transaction a batch, failures, recovery
 *   store_sqlite_file.c     the file: folder, modes, schema, connections, WAL
 *   store_sqlite_gather.c   a commit's pages in one write
 *   store_sqlite_mailbox.c  what is done inside a transaction
 *   store_sqlite_purge.c    forgetting old tombstones
 *   store_reserve.c         room kept for the day the disk is full
 *
 * One row a message. An acknowledged one loses its text and stays as a tombstone. Of one that was received before it
 * was stored there is the key alone, in a table of its own: `received`. `seq` is the row's number in
 * the whole store, never used twice (AUTOINCREMENT), so it ascends in each mailbox too. What waits in a
 * mailbox is found by an index that has nothing but waiting messages. */
#ifndef P2P_STORE_SQLITE_H
#define P2P_STORE_SQLITE_H
#include "../common/hash.h"
#include "store_backend.h"
#include "store_reserve.h"
#include <pthread.h>
#include <sqlite3.h>

typedef enum {
    SQL_BEGIN_WRITE,
    SQL_BEGIN_READ,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_GET_MAILBOX,
    SQL_SET_MAILBOX,
    SQL_COUNT_WAITING,
    SQL_INSERT,
    SQL_FIND,
    SQL_ACKNOWLEDGE,
    SQL_REMEMBER,
    SQL_REMEMBERED,
    SQL_PAGE,
    SQL_PURGE,
    SQL_RECEIVED_STEP,
    SQL_PURGE_RECEIVED,
    SQL_PROBE,
    SQL_FREE_PAGES,
    SQL_COUNT,
} sql_t;

typedef struct {
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *statements[SQL_COUNT];
} connection_t;

/* What the writer knows of a mailbox. Only the epoch is a row on the disk; what waits is counted when the mailbox is
 * first met, and kept count of from then on. */
typedef struct mailbox {
    struct mailbox *next; /* in hand */
    char username[USERNAME_SIZE];
    int64_t epoch; /* 0: never claimed */
    int64_t waiting_count, waiting_bytes;
    bool in_hand; /* the transaction works on it */
    bool claimed; /* and has raised its epoch */
} mailbox_t;

typedef struct {
    const log_t *log;
    char *path;
    int64_t mailbox_messages, mailbox_bytes;

    /* Readers hold it while they use their connection; the writer takes it to close and open them all, or to
     * have the WAL to itself. */
    pthread_rwlock_t lock;
    connection_t readers[BACKEND_READERS];
    atomic_bool suspect; /* a failure after which nothing is trusted before all was opened anew */

    /* The writer's own. */
    connection_t writer;
    int wal_pages;      /* after the last commit */
    hash_t *mailboxes;  /* those that are known, by name */
    mailbox_t *in_hand; /* those of the transaction */
    store_key_t purged; /* of `received`: all up to this key was looked at */
    reserve_t reserve;
    err_t failing; /* the last write's error */
    char reason[REASON_SIZE];
} sqlite_store_t;

/* --- store_sqlite_file.c --- */

/* Makes the folder and the file when they are missing. The reason of an error is in store->reason. */
err_t sqlite_file_prepare(sqlite_store_t *store);
/* Opens the writer and the readers; checks or makes the schema; brings everything in the WAL to the disk.
 * On error everything is closed and store->reason says why. */
err_t sqlite_file_open(sqlite_store_t *store);
void sqlite_file_close(sqlite_store_t *store);
/* After a commit: keeps the WAL bounded. An SQLite code. */
int sqlite_file_checkpoint(sqlite_store_t *store);

/* --- store_sqlite_purge.c --- */

/* One step each through both kinds of tombstones; an SQLite code. *more: there may be old ones left. */
int sqlite_purge_step(sqlite_store_t *store, int64_t before, bool *more);

/* --- one statement; all return SQLite codes --- */

int connection_run(connection_t *connection, sql_t sql); /* one without values */
void bind_text(sqlite3_stmt *statement, int index, const char *text, size_t length);
/* The suite's error of an SQLite code. */
err_t sqlite_err(int code);

/* --- store_sqlite_mailbox.c: inside the writer's transaction; all return SQLite codes --- */

int mailbox_do(sqlite_store_t *store, store_request_t *request, int64_t now);
/* Writes the epochs that were raised. */
int mailbox_flush(sqlite_store_t *store);
/* Behind the transaction: what it did to the mailboxes is so, or they are forgotten. */
void mailbox_end(sqlite_store_t *store, bool committed);
/* Forgets all mailboxes. */
void mailbox_forget_all(sqlite_store_t *store);
/* Also for readers: 0 when there is no such mailbox. */
int mailbox_epoch(connection_t *connection, const char *username, int64_t *epoch);
/* A row of SQL_PAGE; what doesn't fit is made to, for anyone may have written it. False when it has no key: it can't
 * be acknowledged, so nobody gets it. */
bool mailbox_read_row(sqlite3_stmt *row, message_t *out);
/* Adds waiting messages to the request's entries. */
int mailbox_page(connection_t *connection, store_request_t *request);

#endif
