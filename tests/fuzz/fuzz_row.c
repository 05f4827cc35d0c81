/* Rows of the SQLite file, which anyone may have written: of any type, they become messages that our readers take, or
 * are left out. The input is six columns, a line each; its first byte says which of them are blobs. */
#include "fuzz.h"
#include "message_api/store_sqlite.h"

enum { MAX_BYTES = 8192, COLUMNS = 6 };

static sqlite3_stmt *prepare(void)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    FUZZ_CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_prepare_v2(db, "SELECT 1, 'bob', ?1, ?2, ?3, ?4, ?5, ?6", -1, &statement, NULL) ==
               SQLITE_OK);
    return statement;
}

static void bind_columns(sqlite3_stmt *statement, const uint8_t *data, size_t size)
{
    unsigned kinds = fuzz_byte(&data, &size);
    const char *at = (const char *)data;
    sqlite3_clear_bindings(statement);
    for (int i = 1; i <= COLUMNS; i++) {
        const char *end = i < COLUMNS ? memchr(at, '\n', size) : NULL;
        size_t length = end != NULL ? (size_t)(end - at) : size;
        if (kinds >> i & 1)
            sqlite3_bind_blob(statement, i, at, (int)length, SQLITE_STATIC);
        else
            sqlite3_bind_text(statement, i, at, (int)length, SQLITE_STATIC);
        size -= length + (end != NULL);
        at += length + (end != NULL);
        if (size == 0 && i < COLUMNS)
            return; /* the others are NULL */
    }
}

static void check_message(const message_t *message)
{
    message_t again;
    buffer_t out;
    buffer_init(&out, 0);
    FUZZ_CHECK(message_append_json(&out, message) == ERR_OK && memchr(out.data, '\n', out.length) == NULL);
    cJSON *json = json_parse(out.data, out.length);
    FUZZ_CHECK(json != NULL);
    err_t err = message_from_json(json, MESSAGE_FROM_PEER, MAX_BYTES * 8, &again, NULL);
    FUZZ_CHECK(err == ERR_OK || (err == ERR_EMPTY && message->text_length == 0));
    if (err == ERR_OK) {
        FUZZ_CHECK(strcmp(again.sender, message->sender) == 0 && strcmp(again.id, message->id) == 0);
        FUZZ_CHECK(strcmp(again.text, message->text) == 0);
        message_free(&again);
    }
    cJSON_Delete(json);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sqlite3_stmt *statement;
    message_t message;
    if (statement == NULL)
        statement = prepare();
    bind_columns(statement, data, size);
    FUZZ_CHECK(sqlite3_step(statement) == SQLITE_ROW);
    if (mailbox_read_row(statement, &message)) {
        check_message(&message);
        message_free(&message);
    }
    sqlite3_reset(statement);
    return 0;
}
