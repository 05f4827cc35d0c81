#include "../common/alloc.h"
#include "store_sqlite.h"
#include "stored_fields.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KNOWN_MAILBOXES = 16384 }; /* some 4 MiB */

/* --- mailboxes --- */

int mailbox_epoch(connection_t *connection, const char *username, int64_t *epoch)
{
    sqlite3_stmt *statement = connection->statements[SQL_GET_MAILBOX];
    bind_text(statement, 1, username, strlen(username));
    *epoch = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return sqlite3_reset(statement);
}

static int count_waiting(sqlite_store_t *store, mailbox_t *mailbox)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_COUNT_WAITING];
    bind_text(statement, 1, mailbox->username, strlen(mailbox->username));
    if (sqlite3_step(statement) == SQLITE_ROW) {
        mailbox->waiting_count = sqlite3_column_int64(statement, 0);
        mailbox->waiting_bytes = sqlite3_column_int64(statement, 1);
    }
    return sqlite3_reset(statement);
}

static int meet(sqlite_store_t *store, const char *username, mailbox_t **out)
{
    mailbox_t *mailbox = alloc_new(mailbox_t);
    snprintf(mailbox->username, sizeof mailbox->username, "%s", username);
    int code = mailbox_epoch(&store->writer, username, &mailbox->epoch);
    if (code == SQLITE_OK)
        code = count_waiting(store, mailbox);
    if (code != SQLITE_OK) {
        free(mailbox);
        return code;
    }
    hash_put(store->mailboxes, username, mailbox);
    *out = mailbox;
    return SQLITE_OK;
}

/* Takes it in hand. */
static int load(sqlite_store_t *store, const char *username, mailbox_t **out)
{
    mailbox_t *mailbox = hash_get(store->mailboxes, username);
    int code = mailbox != NULL ? SQLITE_OK : meet(store, username, &mailbox);
    if (code != SQLITE_OK)
        return code;
    if (!mailbox->in_hand) {
        mailbox->in_hand = true;
        mailbox->next = store->in_hand;
        store->in_hand = mailbox;
    }
    *out = mailbox;
    return SQLITE_OK;
}

int mailbox_flush(sqlite_store_t *store)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_SET_MAILBOX];
    int code = SQLITE_OK;
    for (mailbox_t *mailbox = store->in_hand; mailbox != NULL && code == SQLITE_OK; mailbox = mailbox->next) {
        if (!mailbox->claimed)
            continue;
        bind_text(statement, 1, mailbox->username, strlen(mailbox->username));
        sqlite3_bind_int64(statement, 2, mailbox->epoch);
        code = connection_run(&store->writer, SQL_SET_MAILBOX);
    }
    return code;
}

void mailbox_end(sqlite_store_t *store, bool committed)
{
    mailbox_t *mailbox;
    while ((mailbox = store->in_hand) != NULL) {
        store->in_hand = mailbox->next;
        mailbox->in_hand = mailbox->claimed = false;
        if (committed)
            continue;
        hash_remove(store->mailboxes, mailbox->username);
        free(mailbox);
    }
    if (hash_count(store->mailboxes) > KNOWN_MAILBOXES)
        mailbox_forget_all(store);
}

void mailbox_forget_all(sqlite_store_t *store)
{
    size_t position = 0;
    const char *username;
    void *mailbox;
    while (hash_next(store->mailboxes, &position, &username, &mailbox))
        free(mailbox);
    hash_free(store->mailboxes);
    store->mailboxes = hash_new();
}

/* --- messages --- */

typedef struct {
    int64_t seq; /* 0: there is none */
    int64_t bytes;
    bool waits; /* in the mailbox that was asked for */
} found_t;

static int find(connection_t *connection, const char *sender, const char *id, const char *mailbox,
                found_t *found)
{
    sqlite3_stmt *statement = connection->statements[SQL_FIND];
    *found = (found_t){.seq = 0};
    bind_text(statement, 1, sender, strlen(sender));
    bind_text(statement, 2, id, strlen(id));
    bind_text(statement, 3, mailbox, strlen(mailbox));
    if (sqlite3_step(statement) == SQLITE_ROW) {
        found->seq = sqlite3_column_int64(statement, 0);
        found->bytes = sqlite3_column_int64(statement, 1);
        found->waits = sqlite3_column_int(statement, 2) != 0;
    }
    return sqlite3_reset(statement);
}

static int find_received(connection_t *connection, const char *sender, const char *id, bool *found)
{
    sqlite3_stmt *statement = connection->statements[SQL_REMEMBERED];
    bind_text(statement, 1, sender, strlen(sender));
    bind_text(statement, 2, id, strlen(id));
    *found = sqlite3_step(statement) == SQLITE_ROW;
    return sqlite3_reset(statement);
}

/* Makes a tombstone of a message that waits. */
static int bury(sqlite_store_t *store, mailbox_t *mailbox, int64_t seq, int64_t bytes, int64_t now)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_ACKNOWLEDGE];
    sqlite3_bind_int64(statement, 1, seq);
    sqlite3_bind_int64(statement, 2, now);
    int code = connection_run(&store->writer, SQL_ACKNOWLEDGE);
    if (code == SQLITE_OK) {
        mailbox->waiting_count--;
        mailbox->waiting_bytes -= bytes;
    }
    return code;
}

static const char *column(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);
    return text != NULL ? text : "";
}

/* The message's key, by which it is acknowledged. */
static bool has_key(sqlite3_stmt *row)
{
    char name[USERNAME_SIZE];
    const char *sender = column(row, 2), *id = column(row, 3);
    return username_normalise(sender, strlen(sender), name) == ERR_OK && strcmp(sender, name) == 0 &&
           id_is_valid(id, strlen(id));
}

bool mailbox_read_row(sqlite3_stmt *row, message_t *out)
{
    message_type_t type;
    int64_t time;
    if (!has_key(row))
        return false;
    if (!message_type_parse(column(row, 5), &type))
        type = MESSAGE_CHAT;
    const char *stored = column(row, 6), *metadata = column(row, 7), *timestamp = column(row, 4);
    stored_make(out, column(row, 2), column(row, 1), stored, (size_t)sqlite3_column_bytes(row, 6), SIZE_MAX,
                type);
    snprintf(out->id, sizeof out->id, "%s", column(row, 3));
    if (timestamp_parse(timestamp, &time) != ERR_OK)
        time = 0;
    timestamp_format(time, out->timestamp);
    if (strcmp(metadata, "{}") != 0) /* as most are, and as it is without */
        (void)stored_metadata(metadata, strlen(metadata), out);
    return true;
}

int mailbox_page(connection_t *connection, store_request_t *request)
{
    sqlite3_stmt *statement = connection->statements[SQL_PAGE];
    bind_text(statement, 1, request->username, strlen(request->username));
    sqlite3_bind_int64(statement, 2, request->after);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        if (request_page_is_full(request, request->limit)) {
            request->more = true;
            break;
        }
        message_t message;
        if (mailbox_read_row(statement, &message))
            request_add_entry(request, &message, sqlite3_column_int64(statement, 0));
    }
    return sqlite3_reset(statement);
}

/* --- requests --- */

static int insert(sqlite_store_t *store, const message_t *message, bool *stored)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_INSERT];
    bool received;
    int code = find_received(&store->writer, message->sender, message->id, &received);
    *stored = false;
    if (code != SQLITE_OK || received)
        return code;
    const char *type = message_type_name(message->type);
    bind_text(statement, 1, message->destination, strlen(message->destination));
    bind_text(statement, 2, message->sender, strlen(message->sender));
    bind_text(statement, 3, message->id, strlen(message->id));
    bind_text(statement, 4, message->timestamp, strlen(message->timestamp));
    bind_text(statement, 5, type, strlen(type));
    sqlite3_bind_int64(statement, 6, (int64_t)message_mailbox_bytes(message));
    bind_text(statement, 7, message->text, message->text_length);
    bind_text(statement, 8, message->metadata, message->metadata_length);
    code = connection_run(&store->writer, SQL_INSERT);
    *stored = code == SQLITE_OK && sqlite3_changes(store->writer.db) > 0;
    return code;
}

/* A mailbox is full for what is new; what came before is there. */
static int refuse_new(sqlite_store_t *store, const message_t *message, store_result_t *result)
{
    found_t known;
    bool received = false;
    int code = find(&store->writer, message->sender, message->id, message->destination, &known);
    if (code == SQLITE_OK && known.seq == 0)
        code = find_received(&store->writer, message->sender, message->id, &received);
    *result = known.seq != 0 || received ? (store_result_t){STORE_DUPLICATE, ERR_OK}
                                         : (store_result_t){STORE_REJECTED, ERR_MAILBOX_FULL};
    return code;
}

static int put_one(sqlite_store_t *store, const message_t *message, store_result_t *result, int64_t now)
{
    int64_t bytes = (int64_t)message_mailbox_bytes(message);
    char replaced_id[ID_SIZE];
    found_t replaced = {.waits = false};
    mailbox_t *mailbox;
    int code = load(store, message->destination, &mailbox);
    if (code == SQLITE_OK && message_replaces(message, replaced_id))
        code = find(&store->writer, message->sender, replaced_id, message->destination, &replaced);
    if (code != SQLITE_OK)
        return code;

    int64_t count = mailbox->waiting_count + 1 - (replaced.waits ? 1 : 0);
    int64_t total = mailbox->waiting_bytes + bytes - (replaced.waits ? replaced.bytes : 0);
    if (count > store->mailbox_messages || total > store->mailbox_bytes)
        return refuse_new(store, message, result);
    bool stored;
    code = insert(store, message, &stored);
    *result = (store_result_t){stored ? STORE_STORED : STORE_DUPLICATE, ERR_OK};
    if (code != SQLITE_OK || !stored)
        return code;
    mailbox->waiting_count++;
    mailbox->waiting_bytes += bytes;
    return replaced.waits ? bury(store, mailbox, replaced.seq, replaced.bytes, now) : SQLITE_OK;
}

static int do_put(sqlite_store_t *store, store_request_t *request, int64_t now)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < request->count && code == SQLITE_OK; i++)
        code = put_one(store, &request->messages[i], &request->results[i], now);
    return code;
}

static int remember_one(sqlite_store_t *store, const store_key_t *key, store_result_t *result, int64_t now)
{
    sqlite3_stmt *statement = store->writer.statements[SQL_REMEMBER];
    found_t found;
    int code = find(&store->writer, key->sender, key->id, "", &found);
    *result = (store_result_t){STORE_DUPLICATE, ERR_OK};
    if (code != SQLITE_OK || found.seq != 0)
        return code;
    bind_text(statement, 1, key->sender, strlen(key->sender));
    bind_text(statement, 2, key->id, strlen(key->id));
    sqlite3_bind_int64(statement, 3, now);
    code = connection_run(&store->writer, SQL_REMEMBER);
    if (code == SQLITE_OK && sqlite3_changes(store->writer.db) > 0)
        result->status = STORE_STORED;
    return code;
}

static int do_remember(sqlite_store_t *store, store_request_t *request, int64_t now)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < request->count && code == SQLITE_OK; i++)
        code = remember_one(store, &request->keys[i], &request->results[i], now);
    return code;
}

static int acknowledge_one(sqlite_store_t *store, const store_acknowledgement_t *acknowledgement,
                           err_t *result, int64_t now)
{
    mailbox_t *mailbox;
    int code = load(store, acknowledgement->username, &mailbox);
    if (code != SQLITE_OK)
        return code;
    *result = ERR_OK;
    bool owner = mailbox->epoch != 0 && mailbox->epoch == acknowledgement->epoch;
    if (!owner && acknowledgement->epoch != STORE_ANY_EPOCH) {
        *result = ERR_STALE_EPOCH;
        return SQLITE_OK;
    }
    for (size_t i = 0; i < acknowledgement->count && code == SQLITE_OK; i++) {
        const store_key_t *key = &acknowledgement->keys[i];
        found_t found;
        code = find(&store->writer, key->sender, key->id, mailbox->username, &found);
        if (code == SQLITE_OK && found.waits)
            code = bury(store, mailbox, found.seq, found.bytes, now);
    }
    return code;
}

static int do_acknowledge(sqlite_store_t *store, store_request_t *request, int64_t now)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < request->count && code == SQLITE_OK; i++)
        code = acknowledge_one(store, &request->acknowledgements[i], &request->mailbox_results[i], now);
    return code;
}

static int claim_one(sqlite_store_t *store, store_claim_t *claim)
{
    mailbox_t *mailbox;
    int code = load(store, claim->username, &mailbox);
    if (code != SQLITE_OK)
        return code;
    claim->epoch = ++mailbox->epoch;
    claim->waiting = mailbox->waiting_count > 0;
    mailbox->claimed = true;
    return SQLITE_OK;
}

static int do_claim(sqlite_store_t *store, store_request_t *request, int64_t now)
{
    (void)now;
    int code = SQLITE_OK;
    for (size_t i = 0; i < request->count && code == SQLITE_OK; i++)
        code = claim_one(store, &request->claims[i]);
    return code;
}

static int do_read_all(sqlite_store_t *store, store_request_t *request, int64_t now)
{
    (void)now;
    return mailbox_page(&store->writer, request);
}

int mailbox_do(sqlite_store_t *store, store_request_t *request, int64_t now)
{
    static int (*const DO[])(sqlite_store_t *, store_request_t *, int64_t) = {
        [REQUEST_PUT] = do_put,     [REQUEST_REMEMBER] = do_remember, [REQUEST_ACKNOWLEDGE] = do_acknowledge,
        [REQUEST_CLAIM] = do_claim, [REQUEST_READ_ALL] = do_read_all,
    };
    return DO[request->kind](store, request, now);
}
