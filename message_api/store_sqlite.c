#include "store_sqlite.h"
#include "../common/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 4096 }; /* SQLite's default */

/* --- failures --- */

/* Said once when it begins and once when it is over, not with every batch. */
static void note_failure(sqlite_store_t *store, err_t err)
{
    if (store->failing != err)
        log_error(store->log, "store_failed", "error=%s reason=%s", err_code(err), store->reason);
    store->failing = err;
}

static void note_success(sqlite_store_t *store)
{
    if (store->failing != ERR_OK)
        log_info(store->log, "store_recovered", "after=%s", err_code(store->failing));
    store->failing = ERR_OK;
}

/* Notes what the last call on the writer's connection met with. Somebody's lock and a full disk leave the
 * database as it was; after anything else it is trusted no more. */
static err_t failed(sqlite_store_t *store, int code)
{
    err_t err = sqlite_err(code);
    int kind = code & 0xff;
    if (kind != SQLITE_FULL && kind != SQLITE_BUSY && kind != SQLITE_NOMEM)
        atomic_store(&store->suspect, true);
    reason_set(store->reason, sqlite3_errmsg(store->writer.db));
    note_failure(store, err);
    return err;
}

/* Everything is closed and opened anew, so that nothing is believed but what the disk gives back. */
static err_t trust(sqlite_store_t *store)
{
    if (store->writer.db != NULL && !atomic_load(&store->suspect))
        return ERR_OK;
    pthread_rwlock_wrlock(&store->lock);
    sqlite_file_close(store);
    mailbox_forget_all(store);
    err_t err = sqlite_file_open(store);
    atomic_store(&store->suspect, false);
    pthread_rwlock_unlock(&store->lock);
    if (err != ERR_OK) {
        err = ERR_STORE_UNAVAILABLE;
        note_failure(store, err);
    }
    return err;
}

/* Gives up the reserve and lets the WAL start over, so that acknowledgements find room. */
static void make_room(sqlite_store_t *store)
{
    reserve_give_up(&store->reserve);
    pthread_rwlock_wrlock(&store->lock);
    int code = sqlite3_wal_checkpoint_v2(store->writer.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    pthread_rwlock_unlock(&store->lock);
    if (code != SQLITE_OK)
        log_warning(store->log, "store_checkpoint_failed", "error=%s", sqlite3_errstr(code));
}

/* For new messages: the reserve is there, or the file itself has as much that acknowledged messages left free
 * (the file never shrinks). */
static bool has_room(sqlite_store_t *store)
{
    if (reserve_take(&store->reserve))
        return true;
    sqlite3_stmt *statement = store->writer.statements[SQL_FREE_PAGES];
    int64_t pages = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return pages >= RESERVE_BYTES / PAGE_BYTES;
}

/* After a commit. To copy the WAL may need room too. */
static void tend_wal(sqlite_store_t *store)
{
    int code = sqlite_file_checkpoint(store);
    if (code != SQLITE_OK && failed(store, code) == ERR_DISK_FULL)
        make_room(store);
}

/* --- transactions --- */

static void roll_back(sqlite_store_t *store)
{
    if (!sqlite3_get_autocommit(store->writer.db))
        connection_run(&store->writer, SQL_ROLLBACK);
}

/* Health is no part of it, and neither are messages while there is no room for them. */
static bool takes_part(const store_request_t *request, bool with_puts)
{
    bool adds = request->kind == REQUEST_PUT || request->kind == REQUEST_REMEMBER;
    return request->kind != REQUEST_HEALTH && (with_puts || !adds);
}

static int transaction(sqlite_store_t *store, store_request_t **requests, size_t count, bool with_puts)
{
    int64_t now = timestamp_now();
    int code = connection_run(&store->writer, SQL_BEGIN_WRITE);
    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        if (takes_part(requests[i], with_puts))
            code = mailbox_do(store, requests[i], now);
    }
    if (code == SQLITE_OK)
        code = mailbox_flush(store);
    if (code == SQLITE_OK)
        code = connection_run(&store->writer, SQL_COMMIT);
    return code;
}

/* All of it or nothing; sets the err of every request that takes part. */
static err_t write_all(sqlite_store_t *store, store_request_t **requests, size_t count, bool with_puts)
{
    size_t taking_part = 0;
    for (size_t i = 0; i < count; i++)
        taking_part += takes_part(requests[i], with_puts);
    if (taking_part == 0)
        return ERR_OK;

    err_t err = ERR_OK;
    int code = transaction(store, requests, count, with_puts);
    if (code != SQLITE_OK) {
        err = failed(store, code);
        roll_back(store);
    }
    mailbox_end(store, err == ERR_OK);
    for (size_t i = 0; i < count; i++) {
        if (!takes_part(requests[i], with_puts))
            continue;
        requests[i]->err = err;
        if (err != ERR_OK)
            request_drop_entries(requests[i]);
    }
    return err;
}

static void refuse(store_request_t **requests, size_t count, request_kind_t kind, err_t err)
{
    for (size_t i = 0; i < count; i++) {
        if (requests[i]->kind == kind)
            requests[i]->err = err;
    }
}

static void write_batch(sqlite_store_t *store, store_request_t **requests, size_t count)
{
    bool room = has_room(store);
    err_t err = write_all(store, requests, count, room);
    if (err == ERR_DISK_FULL) {
        room = false;
        make_room(store);
        err = write_all(store, requests, count, false);
    }
    if (!room) {
        refuse(requests, count, REQUEST_PUT, ERR_DISK_FULL);
        refuse(requests, count, REQUEST_REMEMBER, ERR_DISK_FULL);
        reason_set(store->reason, "the disk is full");
        note_failure(store, ERR_DISK_FULL);
    } else if (err == ERR_OK) {
        note_success(store);
    }
    if (err == ERR_OK)
        tend_wal(store);
}

/* While writes fail, only a write that succeeds can tell that they do so no more. */
static void check_health(sqlite_store_t *store, store_request_t *request)
{
    if (store->failing != ERR_OK && has_room(store)) {
        int code = connection_run(&store->writer, SQL_PROBE);
        if (code == SQLITE_OK)
            note_success(store);
        else
            failed(store, code);
    }
    int64_t epoch;
    if (store->failing == ERR_OK) {
        int code = mailbox_epoch(&store->writer, "", &epoch);
        if (code != SQLITE_OK)
            failed(store, code);
    }
    request->err = store->failing;
    reason_set(request->reason, store->failing != ERR_OK ? store->reason : "");
}

/* --- the backend --- */

static void sqlite_write(void *state, store_request_t **requests, size_t count)
{
    sqlite_store_t *store = state;
    err_t err = trust(store);
    if (err == ERR_OK)
        write_batch(store, requests, count);
    for (size_t i = 0; i < count; i++) {
        if (err != ERR_OK) {
            requests[i]->err = err;
            reason_set(requests[i]->reason, store->reason);
        } else if (requests[i]->kind == REQUEST_HEALTH) {
            check_health(store, requests[i]);
        }
    }
}

/* The epoch and the messages are of one snapshot: a claim comes wholly before it or wholly after it. */
static int read_page(connection_t *connection, store_request_t *request)
{
    int64_t epoch;
    int code = connection_run(connection, SQL_BEGIN_READ);
    if (code != SQLITE_OK)
        return code;
    code = mailbox_epoch(connection, request->username, &epoch);
    if (code == SQLITE_OK && epoch != 0 && epoch == request->epoch)
        code = mailbox_page(connection, request);
    else if (code == SQLITE_OK)
        request->err = ERR_STALE_EPOCH;
    int end = connection_run(connection, SQL_COMMIT);
    return code != SQLITE_OK ? code : end;
}

static void sqlite_read(void *state, unsigned reader, store_request_t *request)
{
    sqlite_store_t *store = state;
    connection_t *connection = &store->readers[reader];
    request->err = ERR_OK;
    pthread_rwlock_rdlock(&store->lock);
    if (connection->db == NULL) {
        request->err = ERR_STORE_UNAVAILABLE;
    } else {
        int code = read_page(connection, request);
        if (code != SQLITE_OK) {
            log_error(store->log, "store_read_failed", "error=%s", sqlite3_errmsg(connection->db));
            request_drop_entries(request);
            request->err = sqlite_err(code);
            if ((code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_NOMEM)
                atomic_store(&store->suspect, true);
        }
    }
    pthread_rwlock_unlock(&store->lock);
}

static bool sqlite_purge(void *state, int64_t before)
{
    sqlite_store_t *store = state;
    if (trust(store) != ERR_OK)
        return false;
    bool more;
    int code = sqlite_purge_step(store, before, &more);
    if (code != SQLITE_OK) {
        failed(store, code);
        roll_back(store);
        return false;
    }
    tend_wal(store);
    return more;
}

static void sqlite_close(void *state)
{
    sqlite_store_t *store = state;
    sqlite_file_close(store);
    pthread_rwlock_destroy(&store->lock);
    reserve_close(&store->reserve);
    mailbox_forget_all(store);
    hash_free(store->mailboxes);
    free(store->path);
    free(store);
}

/* Readers that come without a pause must not keep the writer out. */
static void lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    if (pthread_rwlockattr_init(&attributes) != 0 ||
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) != 0 ||
        pthread_rwlock_init(lock, &attributes) != 0)
        abort();
    pthread_rwlockattr_destroy(&attributes);
}

static err_t sqlite_open(const store_config_t *config, const log_t *log, void **state)
{
    sqlite_store_t *store = alloc_new(sqlite_store_t);
    /* Statistics that nobody reads cost a lock with each of SQLite's allocations. Refused, for it is done, when this
     * program has opened a store before. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    store->log = log;
    store->path = alloc_string(config->database);
    store->mailbox_messages = (int64_t)config->mailbox_messages;
    store->mailbox_bytes = (int64_t)config->mailbox_bytes;
    store->mailboxes = hash_new();
    atomic_init(&store->suspect, false);
    lock_init(&store->lock);
    err_t err = sqlite_file_prepare(store);
    if (err == ERR_OK) {
        reserve_open(&store->reserve, store->path);
        err = sqlite_file_open(store);
    }
    if (err != ERR_OK) {
        log_error(log, "store_open_failed", "file=%s reason=%s", store->path, store->reason);
        sqlite_close(store);
        return err;
    }
    *state = store;
    return ERR_OK;
}

const store_backend_t store_sqlite_backend = {
    .name = "SQLite",
    .open = sqlite_open,
    .write = sqlite_write,
    .read = sqlite_read,
    .purge = sqlite_purge,
    .close = sqlite_close,
};
