#include "../common/alloc.h"
#include "store_sqlite.h"
#include "store_sqlite_gather.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SCHEMA_VERSION = 3,
    BUSY_MS = 2000,
    /* 4 KiB each. From the first on the WAL is copied into the database; past the second readers have to wait
     * until it could be, for while one of them reads it can't start over. */
    WAL_COPY_PAGES = 1000,
    WAL_RESTART_PAGES = 8000,
    WAL_BYTES = 5 * 1024 * 1024, /* WAL_COPY_PAGES with their headers, and what comes until it starts over */
};

static const char SCHEMA[] =
    "CREATE TABLE mailboxes(username TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE messages("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox TEXT NOT NULL, sender TEXT NOT NULL, id TEXT NOT NULL,"
    " timestamp TEXT NOT NULL, type TEXT NOT NULL, bytes INTEGER NOT NULL, acknowledged_at INTEGER,"
    " text TEXT, metadata TEXT, UNIQUE(sender, id));"
    "CREATE INDEX waiting ON messages(mailbox) WHERE acknowledged_at IS NULL;"
    "CREATE INDEX acknowledged ON messages(acknowledged_at) WHERE acknowledged_at IS NOT NULL;";

/* What version 1 did not have. */
static const char RECEIVED[] =
    "CREATE TABLE received("
    " sender TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(sender, id)) WITHOUT ROWID;";

/* What versions 1 and 2 had: each message changed it. */
static const char UNCOUNTED[] = "ALTER TABLE mailboxes DROP COLUMN waiting_count;"
                                "ALTER TABLE mailboxes DROP COLUMN waiting_bytes;";

static const char VERSIONED[] = "PRAGMA user_version=3";

static const char PRAGMAS[] = "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;";

static const char *const SQL[SQL_COUNT] = {
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_GET_MAILBOX] = "SELECT epoch FROM mailboxes WHERE username = ?1",
    [SQL_SET_MAILBOX] = "INSERT OR REPLACE INTO mailboxes(username, epoch) VALUES(?1, ?2)",
    [SQL_COUNT_WAITING] = "SELECT count(*), coalesce(sum(bytes), 0) FROM messages"
                          " WHERE mailbox = ?1 AND acknowledged_at IS NULL",
    [SQL_INSERT] = "INSERT INTO messages(mailbox, sender, id, timestamp, type, bytes, text, metadata)"
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    [SQL_REMEMBER] = "INSERT INTO received(sender, id, at) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [SQL_REMEMBERED] = "SELECT 1 FROM received WHERE sender = ?1 AND id = ?2",
    [SQL_FIND] = "SELECT seq, bytes, acknowledged_at IS NULL AND mailbox = ?3 FROM messages"
                 " WHERE sender = ?1 AND id = ?2",
    [SQL_ACKNOWLEDGE] =
        "UPDATE messages SET acknowledged_at = ?2, text = NULL, metadata = NULL WHERE seq = ?1",
    [SQL_PAGE] = "SELECT seq, mailbox, sender, id, timestamp, type, text, metadata FROM messages"
                 " WHERE mailbox = ?1 AND acknowledged_at IS NULL AND seq > ?2 ORDER BY seq",
    [SQL_PURGE] = "DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE acknowledged_at < ?1"
                  " ORDER BY acknowledged_at LIMIT ?2)",
    [SQL_RECEIVED_STEP] = "SELECT sender, id FROM received WHERE (sender, id) > (?1, ?2)"
                          " ORDER BY sender, id LIMIT 1 OFFSET ?3",
    [SQL_PURGE_RECEIVED] = "DELETE FROM received WHERE (sender, id) > (?1, ?2) AND (sender, id) <= (?3, ?4)"
                           " AND at < ?5",
    /* Writes the version that it has: enough to see whether a write works. */
    [SQL_PROBE] = "PRAGMA user_version=3",
    [SQL_FREE_PAGES] = "PRAGMA freelist_count",
};

err_t sqlite_err(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
        return ERR_OK;
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    default:
        return ERR_STORE_UNAVAILABLE;
    }
}

int connection_run(connection_t *connection, sql_t sql)
{
    sqlite3_stmt *statement = connection->statements[sql];
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

void bind_text(sqlite3_stmt *statement, int index, const char *text, size_t length)
{
    sqlite3_bind_text(statement, index, text, (int)length, SQLITE_STATIC);
}

static err_t make_folders(const char *path)
{
    char *folder = alloc_string(path);
    err_t err = ERR_OK;
    for (char *slash = strchr(folder + 1, '/'); slash != NULL && err == ERR_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            err = ERR_IO;
        *slash = '/';
    }
    free(folder);
    return err;
}

/* SQLite gives its other files the mode of the first. It is made here and not opened again: to close any
 * descriptor of it would drop the locks that SQLite holds. */
err_t sqlite_file_prepare(sqlite_store_t *store)
{
    struct stat status;
    if (make_folders(store->path) != ERR_OK)
        goto failed;
    int descriptor = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor >= 0)
        close(descriptor);
    else if (errno != EEXIST || stat(store->path, &status) != 0)
        goto failed;
    else if ((status.st_mode & 077) != 0 && chmod(store->path, 0600) != 0)
        goto failed;
    return ERR_OK;
failed:
    reason_set(store->reason, strerror(errno));
    return ERR_IO;
}

static void connection_close(connection_t *connection)
{
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(connection->statements[i]);
    sqlite3_close(connection->db);
    *connection = (connection_t){.db = NULL};
}

void sqlite_file_close(sqlite_store_t *store)
{
    for (int i = 0; i < BACKEND_READERS; i++)
        connection_close(&store->readers[i]);
    /* The last one to close copies the WAL into the database. */
    connection_close(&store->writer);
}

static int connection_open(connection_t *connection, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite_gather_register();
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(path, &connection->db, flags, SQLITE_GATHER_VFS);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(connection->db, BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(connection->db, PRAGMAS, NULL, NULL, NULL);
    return code;
}

static int connection_prepare(connection_t *connection)
{
    int code = SQLITE_OK;
    for (int i = 0; i < SQL_COUNT && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(connection->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &connection->statements[i], NULL);
    return code;
}

/* The first value of the first row. */
static int ask(sqlite3 *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code != SQLITE_OK)
        return code;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement);
}

/* *foreign: the file is a sound database, but none that we may write to. */
static int check_schema(sqlite3 *db, bool *foreign)
{
    int64_t version = 0, tables = 0;
    int code = sqlite3_exec(db, "PRAGMA journal_mode=WAL; BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = ask(db, "PRAGMA user_version", &version);
    if (code == SQLITE_OK)
        code = ask(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (code != SQLITE_OK)
        return code;
    *foreign = version > SCHEMA_VERSION || (version == 0 && tables > 0);
    if (version == 0 && tables == 0)
        code = sqlite3_exec(db, SCHEMA, NULL, NULL, NULL);
    if (code == SQLITE_OK && version < 2 && !*foreign)
        code = sqlite3_exec(db, RECEIVED, NULL, NULL, NULL);
    if (code == SQLITE_OK && (version == 1 || version == 2))
        code = sqlite3_exec(db, UNCOUNTED, NULL, NULL, NULL);
    if (code == SQLITE_OK && version < SCHEMA_VERSION && !*foreign)
        code = sqlite3_exec(db, VERSIONED, NULL, NULL, NULL);
    return code == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : code;
}

/* What a killed program or a failed commit left in the WAL may be in the kernel's memory alone: before any of it is
 * taken for stored, it is written to the disk. A full disk comes after that. */
static int settle(sqlite3 *db)
{
    int code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return (code & 0xff) == SQLITE_FULL ? SQLITE_OK : code;
}

/* A commit that makes the WAL's file longer has its sync write the file's new length too. So the file is as long from
 * the beginning as it gets before it starts over: what follows the frames are zeros, which are no frame. A full disk
 * goes without. */
static void lengthen(const sqlite_store_t *store)
{
    char *wal = alloc_format("%s-wal", store->path);
    int file = open(wal, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size < WAL_BYTES) {
        size_t missing = (size_t)(WAL_BYTES - status.st_size);
        void *zeros = calloc(1, missing);
        bool whole = zeros != NULL && pwrite(file, zeros, missing, status.st_size) == (ssize_t)missing;
        if ((whole ? fdatasync(file) : ftruncate(file, status.st_size)) != 0)
            log_warning(store->log, "store_wal_not_lengthened", "why=%s", strerror(errno));
        free(zeros);
    }
    if (file >= 0)
        close(file);
    free(wal);
}

static const char *why_not(sqlite3 *db, int code, bool foreign)
{
    if (foreign)
        return "the file is of a newer version or another program";
    return (code & 0xff) == SQLITE_BUSY ? "another program has the file open" : sqlite3_errmsg(db);
}

static int on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((sqlite_store_t *)context)->wal_pages = pages;
    return SQLITE_OK;
}

err_t sqlite_file_open(sqlite_store_t *store)
{
    bool foreign = false;
    connection_t *failed = &store->writer;
    int code = connection_open(&store->writer, store->path);
    if (code == SQLITE_OK)
        code = check_schema(store->writer.db, &foreign);
    if (code == SQLITE_OK && !foreign)
        code = settle(store->writer.db);
    if (code == SQLITE_OK && !foreign)
        code = connection_prepare(&store->writer);
    for (int i = 0; i < BACKEND_READERS && code == SQLITE_OK && !foreign; i++) {
        failed = &store->readers[i];
        code = connection_open(failed, store->path);
        if (code == SQLITE_OK)
            code = connection_prepare(failed);
    }
    if (code == SQLITE_OK && !foreign) {
        store->wal_pages = 0;
        sqlite3_wal_hook(store->writer.db, on_commit, store);
        lengthen(store);
        return ERR_OK;
    }
    reason_set(store->reason, why_not(failed->db, code, foreign));
    sqlite_file_close(store);
    return foreign ? ERR_INVALID_SETTING : sqlite_err(code);
}

int sqlite_file_checkpoint(sqlite_store_t *store)
{
    if (store->wal_pages < WAL_COPY_PAGES)
        return SQLITE_OK;
    int code = sqlite3_wal_checkpoint_v2(store->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code == SQLITE_OK && store->wal_pages >= WAL_RESTART_PAGES) {
        pthread_rwlock_wrlock(&store->lock);
        code = sqlite3_wal_checkpoint_v2(store->writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        lengthen(store);
        pthread_rwlock_unlock(&store->lock);
    }
    /* A reader at work: the next time will do. */
    return (code & 0xff) == SQLITE_BUSY ? SQLITE_OK : code;
}
