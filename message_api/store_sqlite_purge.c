#include "store_sqlite.h"
#include <stdio.h>
#include <string.h>

static int purge_acknowledged(sqlite_store_t *store, int64_t before, bool *more)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_PURGE];
    sqlite3_bind_int64(statement, 1, before);
    sqlite3_bind_int(statement, 2, BACKEND_PURGE_STEP);
    int code = connection_run(&store->writer, SQL_PURGE);
    *more = code == SQLITE_OK && sqlite3_changes(store->writer.db) >= BACKEND_PURGE_STEP;
    return code;
}

/* The key that ends the step; false when there are no more keys than fit in one. */
static int step_end(sqlite_store_t *store, store_key_t *last, bool *found)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_RECEIVED_STEP];
    bind_text(statement, 1, store->purged.sender, strlen(store->purged.sender));
    bind_text(statement, 2, store->purged.id, strlen(store->purged.id));
    sqlite3_bind_int(statement, 3, BACKEND_PURGE_STEP - 1);
    *found = sqlite3_step(statement) == SQLITE_ROW;
    if (*found) {
        snprintf(last->sender, sizeof last->sender, "%s", (const char *)sqlite3_column_text(statement, 0));
        snprintf(last->id, sizeof last->id, "%s", (const char *)sqlite3_column_text(statement, 1));
    }
    return sqlite3_reset(statement);
}

/* An index by time would cost more with every message than a walk through all of them costs now and then. */
static int purge_received(sqlite_store_t *store, int64_t before, bool *more)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_PURGE_RECEIVED];
    store_key_t last = {"", ""};
    int code = step_end(store, &last, more);
    if (code != SQLITE_OK)
        return code;
    bind_text(statement, 1, store->purged.sender, strlen(store->purged.sender));
    bind_text(statement, 2, store->purged.id, strlen(store->purged.id));
    if (*more) {
        bind_text(statement, 3, last.sender, strlen(last.sender));
        bind_text(statement, 4, last.id, strlen(last.id));
    } else {
        /* A blob is greater than every text. */
        sqlite3_bind_zeroblob(statement, 3, 0);
        sqlite3_bind_zeroblob(statement, 4, 0);
    }
    sqlite3_bind_int64(statement, 5, before);
    code = connection_run(&store->writer, SQL_PURGE_RECEIVED);
    if (code == SQLITE_OK)
        store->purged = last; /* "" after the last step: from the beginning again */
    return code;
}

int sqlite_purge_step(sqlite_store_t *store, int64_t before, bool *more)
{
    bool more_acknowledged, more_received;
    int code = purge_acknowledged(store, before, &more_acknowledged);
    if (code == SQLITE_OK)
        code = purge_received(store, before, &more_received);
    *more = code == SQLITE_OK && (more_acknowledged || more_received);
    return code;
}
