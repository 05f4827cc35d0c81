/* p2p-bench-sqlite FOLDER ROWS_A_TRANSACTION SECONDS: the ceiling of a durable chat. Inserts the rows of messages of
 * 64 bytes with WAL and synchronous=FULL, and prints one line of JSON. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void run(sqlite3 *database, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(database, sql, NULL, NULL, &error) != SQLITE_OK) {
        fprintf(stderr, "p2p-bench-sqlite: %s: %s\n", sql, error);
        exit(1);
    }
}

/* The message API's own table (message_api/store_sqlite_file.c), its keys and the rows that it would write. */
static void insert(sqlite3 *database, sqlite3_stmt *statement, long row)
{
    char id[64], payload[96], mailbox[32];

    snprintf(id, sizeof id, "0197a6a2-7c3f-7000-8000-%012ld", row);
    snprintf(mailbox, sizeof mailbox, "u%ld", row / 5000 * 2 + 1);
    snprintf(payload, sizeof payload, "%010ldxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", row);
    sqlite3_bind_text(statement, 1, mailbox, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, "u0", -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, "2026-11-22T17:01:39.123456+00:00", -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, payload, 64, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE) {
        fprintf(stderr, "p2p-bench-sqlite: %s\n", sqlite3_errmsg(database));
        exit(1);
    }
    sqlite3_reset(statement);
}

int main(int argc, char **argv)
{
    char path[4096];
    sqlite3 *database;
    sqlite3_stmt *statement;
    long rows = 0;

    if (argc != 4) {
        fputs("usage: p2p-bench-sqlite FOLDER ROWS SECONDS\n", stderr);
        return 2;
    }
    long batch = atol(argv[2]);
    double seconds = atof(argv[3]);
    snprintf(path, sizeof path, "%s/ceiling-%ld.db", argv[1], batch);
    if (sqlite3_open(path, &database) != SQLITE_OK)
        return 1;
    run(database, "PRAGMA journal_mode=WAL");
    run(database, "PRAGMA synchronous=FULL");
    run(database, "CREATE TABLE messages("
                  " seq INTEGER PRIMARY KEY AUTOINCREMENT, mailbox TEXT NOT NULL, sender TEXT NOT NULL,"
                  " id TEXT NOT NULL, timestamp TEXT NOT NULL, type TEXT NOT NULL, bytes INTEGER NOT NULL,"
                  " acknowledged_at INTEGER, text TEXT, metadata TEXT, UNIQUE(sender, id))");
    run(database, "CREATE INDEX waiting ON messages(mailbox) WHERE acknowledged_at IS NULL");
    sqlite3_prepare_v2(database,
                       "INSERT INTO messages (mailbox, sender, id, timestamp, type, bytes, text, metadata)"
                       " VALUES (?,?,?,?,'chat',64,?,'{}')",
                       -1, &statement, NULL);
    double started = now(), passed;
    do {
        run(database, "BEGIN IMMEDIATE");
        for (long i = 0; i < batch; i++)
            insert(database, statement, rows++);
        run(database, "COMMIT");
        passed = now() - started;
    } while (passed < seconds);
    printf("{\"done\":%ld,\"seconds\":%.6f,\"rate\":%.1f}\n", rows, passed, (double)rows / passed);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return 0;
}
