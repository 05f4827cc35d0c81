/* SQLite alone: its files, crashes, and disks that fail. */
#include "message_api/store_sqlite_gather.h"
#include "store_world.h"
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int before_each(void **state)
{
    *state = world_new(false);
    return 0;
}

static int after_each(void **state)
{
    world_free(*state);
    return 0;
}

static mode_t mode_of(const world_t *world, const char *suffix)
{
    char path[200];
    struct stat status;
    snprintf(path, sizeof path, "%s%s", world->database, suffix);
    return stat(path, &status) == 0 ? status.st_mode & 0777 : 0;
}

static off_t size_of(const world_t *world, const char *suffix)
{
    char path[200];
    struct stat status;
    snprintf(path, sizeof path, "%s%s", world->database, suffix);
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void execute(const world_t *world, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(world->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static err_t try_open(world_t *world)
{
    log_t silent = world->log;
    silent.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    err_t err = store_open(&world->loop, &world->config, &silent, &world->store);
    if (err != ERR_OK)
        world->store = NULL;
    close(silent.descriptor);
    return err;
}

/* --- files --- */

static void test_keeps_its_files_to_itself(void **state)
{
    world_t *world = *state;
    umask(0);
    world_store_open(world);
    put(world, "alice", "1", "bob", "one", "{}");
    char folder[80];
    struct stat status;
    snprintf(folder, sizeof folder, "%s/data", world->folder);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(mode_of(world, ""), 0600);
    assert_int_equal(mode_of(world, "-wal"), 0600);
    assert_int_equal(mode_of(world, "-reserve"), 0600);
    world_store_close(world);
    assert_int_equal(chmod(world->database, 0644), 0);
    world_store_open(world);
    assert_int_equal(mode_of(world, ""), 0600);
    umask(022);
}

static void test_refuses_what_is_not_its_own(void **state)
{
    world_t *world = *state;
    world_store_open(world);
    world_store_close(world);
    execute(world, "PRAGMA user_version=4");
    assert_int_equal(try_open(world), ERR_INVALID_SETTING);
    execute(world, "PRAGMA user_version=3");
    assert_int_equal(try_open(world), ERR_OK);
    world_store_close(world);

    assert_int_equal(unlink(world->database), 0);
    execute(world, "CREATE TABLE somebody_elses(x)");
    assert_int_equal(try_open(world), ERR_INVALID_SETTING);

    FILE *file = fopen(world->database, "w");
    for (int i = 0; i < 5000; i++)
        fputs("rubbish", file);
    fclose(file);
    assert_int_not_equal(try_open(world), ERR_OK);

    world->config.database = "/proc/no/such/messages.db";
    assert_int_not_equal(try_open(world), ERR_OK);
}

/* What they have stored is there, and what was added works. */
static void test_takes_over_older_versions(void **state)
{
    world_t *world = *state;
    world->config.mailbox_messages = 3;
    for (int version = 1; version <= 2; version++) {
        world_store_open(world);
        put(world, "alice", version == 1 ? "1" : "3", "bob", "one", "{}");
        int64_t epoch = claim(world, "bob");
        world_store_close(world);
        execute(world, "ALTER TABLE mailboxes ADD COLUMN waiting_count INTEGER NOT NULL DEFAULT 77;"
                       "ALTER TABLE mailboxes ADD COLUMN waiting_bytes INTEGER NOT NULL DEFAULT 77;");
        execute(world, version == 1 ? "DROP TABLE received; PRAGMA user_version=1" : "PRAGMA user_version=2");
        world_store_open(world);
        answer_free(remember(world, "alice", "2"));
        assert_int_equal(put(world, "alice", "2", "bob", "two", "{}").status, STORE_DUPLICATE);
        assert_waiting(world, "bob", epoch, version == 1 ? "1" : "1 3");
        world_store_close(world);
        execute(world, "SELECT username, epoch FROM mailboxes");
    }
}

/* A commit has no new length of the file to write. */
static void test_wal_is_long_from_the_beginning(void **state)
{
    world_t *world = *state;
    world_store_open(world);
    long size = size_of(world, "-wal");
    assert_true(size > 4 * 1024 * 1024);
    put(world, "alice", "1", "bob", "one", "{}");
    put(world, "alice", "2", "bob", "two", "{}");
    assert_int_equal(size_of(world, "-wal"), size);
    assert_waiting(world, "bob", claim(world, "bob"), "1 2");
}

/* A mailbox is as full as it was, whoever has counted before. */
static void test_counts_anew(void **state)
{
    world_t *world = *state;
    world->config.mailbox_messages = 3;
    world_store_open(world);
    put(world, "alice", "1", "bob", "one", "{}");
    put(world, "alice", "2", "bob", "two", "{}");
    world_store_close(world);
    world_store_open(world);
    int64_t epoch = claim(world, "bob");
    put(world, "alice", "3", "bob", "three", "{}");
    assert_int_equal(put(world, "alice", "4", "bob", "four", "{}").status, STORE_REJECTED);
    assert_int_equal(acknowledge(world, "bob", epoch, "alice", "2"), ERR_OK);
    world_store_close(world);
    world_store_open(world);
    assert_int_equal(put(world, "alice", "4", "bob", "four", "{}").status, STORE_STORED);
    assert_int_equal(put(world, "alice", "5", "bob", "five", "{}").status, STORE_REJECTED);
    assert_waiting(world, "bob", epoch, "1 3 4");
}

static void test_keeps_the_wal_short(void **state)
{
    world_t *world = *state;
    world_store_open(world);
    char *text = alloc_zero(16385, 1);
    memset(text, 'x', 16384);
    for (int batch = 0; batch < 16; batch++) {
        char mailbox[16], id[16];
        message_t messages[128];
        snprintf(mailbox, sizeof mailbox, "bob%d", batch);
        for (int i = 0; i < 128; i++) {
            snprintf(id, sizeof id, "m%d-%d", batch, i);
            messages[i] = make_message("alice", id, mailbox, text, "{}");
        }
        answer_t *answer = put_all(world, messages, 128);
        assert_int_equal(answer->err, ERR_OK);
        answer_free(answer);
    }
    free(text);
    assert_true(size_of(world, "") > 16 * 1024 * 1024);
    assert_in_range(size_of(world, "-wal"), 1, 12 * 1024 * 1024);
}

/* --- crashes --- */

static void store_until_killed(world_t *world, int output)
{
    world_store_open(world);
    for (int i = 0;; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        put(world, "alice", id, "bob", id, "{}");
        if (write(output, &i, sizeof i) != sizeof i)
            abort();
    }
}

static void test_loses_nothing_when_killed(void **state)
{
    world_t *world = *state;
    int pipes[2], acknowledged = -1;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        store_until_killed(world, pipes[1]);
    }
    close(pipes[1]);
    while (acknowledged < 50)
        assert_int_equal(read(pipes[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(pipes[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged)
        ;
    close(pipes[0]);

    world_store_open(world);
    answer_t *answer = read_everything(world, "bob");
    assert_int_equal(answer->err, ERR_OK);
    /* The one that was being stored may be there. */
    assert_in_range(answer->count, acknowledged + 1, acknowledged + 2);
    for (size_t i = 0; i < answer->count; i++) {
        char id[32];
        snprintf(id, sizeof id, "m%zu", i);
        assert_string_equal(answer->entries[i].message.id, id);
    }
    answer_free(answer);
}

/* Two writers would each believe to be the only one. */
static void test_shares_its_file_with_nobody(void **state)
{
    world_t *world = *state;
    int pipes[2], acknowledged;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        store_until_killed(world, pipes[1]);
    assert_int_equal(read(pipes[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    assert_int_equal(try_open(world), ERR_STORE_UNAVAILABLE);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(try_open(world), ERR_OK);
}

/* --- disks that fail --- */

/* What SQLite's files do instead of writing and syncing; set while the store waits. */
typedef struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    const sqlite3_io_methods *real_methods; /* write and sync are the same for all kinds of files */
    sqlite3_io_methods locked, unlocked;    /* SQLite locks some and others not */
    atomic_int write_code, sync_code;       /* SQLITE_OK: as always */
    atomic_bool full;                       /* as long as the reserve is there */
    char reserve[160];
} faults_t;

static faults_t faults;

static int faulty_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    if (atomic_load(&faults.write_code) != SQLITE_OK)
        return atomic_load(&faults.write_code);
    if (atomic_load(&faults.full) && access(faults.reserve, F_OK) == 0)
        return SQLITE_FULL;
    return faults.real_methods->xWrite(file, data, length, offset);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    int code = atomic_load(&faults.sync_code);
    return code != SQLITE_OK ? code : faults.real_methods->xSync(file, flags);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    int code = faults.real->xOpen(faults.real, name, file, flags, out_flags);
    if (code != SQLITE_OK || file->pMethods == NULL)
        return code;
    sqlite3_io_methods *mine = flags & SQLITE_OPEN_MAIN_DB ? &faults.locked : &faults.unlocked;
    faults.real_methods = file->pMethods;
    *mine = *file->pMethods;
    mine->xWrite = faulty_write;
    mine->xSync = faulty_sync;
    file->pMethods = mine;
    return code;
}

static int before_faults(void **state)
{
    world_t *world = world_new(false);
    *state = world;
    memset(&faults, 0, sizeof faults);
    /* The one that the store asks for. Of two with one name the first is found. */
    faults.real = sqlite3_vfs_find(SQLITE_GATHER_BASE);
    faults.vfs = *faults.real;
    faults.vfs.xOpen = faulty_open;
    snprintf(faults.reserve, sizeof faults.reserve, "%s-reserve", world->database);
    assert_int_equal(sqlite3_vfs_register(&faults.vfs, 1), SQLITE_OK);
    world->log.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    world_store_open(world);
    return 0;
}

static int after_faults(void **state)
{
    world_t *world = *state;
    int descriptor = world->log.descriptor;
    world_free(world);
    close(descriptor);
    sqlite3_vfs_unregister(&faults.vfs);
    sqlite3_vfs_register(faults.real, 0);
    return 0;
}

static err_t put_err(world_t *world, const char *id)
{
    message_t message = make_message("alice", id, "bob", id, "{}");
    answer_t *answer = put_all(world, &message, 1);
    err_t err = answer->err;
    assert_true(err != ERR_OK || answer->results[0].status == STORE_STORED);
    answer_free(answer);
    return err;
}

static err_t health_err(world_t *world)
{
    answer_t *answer = health(world);
    err_t err = answer->err;
    assert_true((err == ERR_OK) == (answer->reason[0] == '\0'));
    answer_free(answer);
    return err;
}

/* Nobody is told that it is stored, what was stored is there, and it works again when the disk does. Whether
 * the commit that failed was done is open: the message that comes again is there once. */
static void fails_and_recovers(world_t *world, atomic_int *fault, int code)
{
    assert_int_equal(put_err(world, "1"), ERR_OK);
    int64_t epoch = claim(world, "bob");
    atomic_store(fault, code);
    assert_int_equal(put_err(world, "2"), ERR_STORE_UNAVAILABLE);
    assert_int_equal(put_err(world, "2"), ERR_STORE_UNAVAILABLE);
    assert_int_equal(health_err(world), ERR_STORE_UNAVAILABLE);
    atomic_store(fault, SQLITE_OK);
    assert_int_equal(health_err(world), ERR_OK);
    put(world, "alice", "2", "bob", "2", "{}");
    assert_waiting(world, "bob", epoch, "1 2");
    assert_int_equal(put_err(world, "3"), ERR_OK);
    world_store_reopen(world);
    assert_waiting(world, "bob", epoch, "1 2 3");
}

static void test_survives_a_failed_sync(void **state)
{
    fails_and_recovers(*state, &faults.sync_code, SQLITE_IOERR_FSYNC);
}

static void test_survives_a_failed_write(void **state)
{
    fails_and_recovers(*state, &faults.write_code, SQLITE_IOERR_WRITE);
}

static void test_acknowledges_on_a_full_disk(void **state)
{
    world_t *world = *state;
    assert_int_equal(put_err(world, "1"), ERR_OK);
    assert_int_equal(put_err(world, "2"), ERR_OK);
    int64_t epoch = claim(world, "bob");
    atomic_store(&faults.full, true);

    /* In one batch: the message is refused, the acknowledgement is not. */
    answer_t *put_answer = alloc_new(answer_t), *acknowledge_answer = alloc_new(answer_t);
    message_t *message = alloc_new(message_t);
    *message = make_message("alice", "3", "bob", "three", "{}");
    store_acknowledgement_t *acknowledgement = alloc_new(store_acknowledgement_t);
    *acknowledgement = make_acknowledgement("bob", epoch, "alice", "1");
    assert_int_equal(store_put_batch(world->store, message, 1, on_put, put_answer), ERR_OK);
    assert_int_equal(store_acknowledge(world->store, acknowledgement, 1, on_acknowledge, acknowledge_answer),
                     ERR_OK);
    answer_wait(world, put_answer);
    while (!acknowledge_answer->called)
        uv_run(&world->loop, UV_RUN_ONCE);
    assert_int_equal(put_answer->err, ERR_DISK_FULL);
    assert_int_equal(acknowledge_answer->err, ERR_OK);
    answer_free(put_answer);
    answer_free(acknowledge_answer);

    assert_waiting(world, "bob", epoch, "2");
    assert_int_equal(health_err(world), ERR_DISK_FULL);
    assert_int_equal(put_err(world, "3"), ERR_DISK_FULL);
    answer_t *remembered = remember(world, "alice", "3");
    assert_int_equal(remembered->err, ERR_DISK_FULL);
    answer_free(remembered);
    assert_int_equal(claim(world, "bob"), epoch + 1);
    assert_int_equal(acknowledge(world, "bob", epoch + 1, "alice", "2"), ERR_OK);
    assert_waiting(world, "bob", epoch + 1, "");

    atomic_store(&faults.full, false);
    while (health_err(world) != ERR_OK) /* within a second */
        usleep(20000);
    assert_int_equal(put_err(world, "3"), ERR_OK);
    assert_int_equal(mode_of(world, "-reserve"), 0600);
    assert_waiting(world, "bob", epoch + 1, "3");
}

/* Rows that somebody else has written spoil nothing for those beside them. */
static void test_foreign_rows(void **state)
{
    world_t *world = *state;
    world_store_open(world);
    for (int i = 1; i <= 9; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(put_err(world, id), ERR_OK);
    }
    world_store_close(world);
    execute(world, "UPDATE messages SET metadata = '{\"a\":' WHERE id = '2';"
                   "UPDATE messages SET metadata = '{' || char(10) || '\"a\":1}' WHERE id = '3';"
                   "UPDATE messages SET text = x'1b5b324a00ff' WHERE id = '4';"
                   "UPDATE messages SET timestamp = '\"now', type = 'shout', metadata = NULL WHERE id = '5';"
                   "UPDATE messages SET sender = 'a\"b' WHERE id = '6';"
                   "UPDATE messages SET sender = 7.5 WHERE id = '7';"
                   "UPDATE messages SET id = 'a\"b' WHERE id = '8';");
    world_store_open(world);
    answer_t *answer = read_page(world, "bob", claim(world, "bob"), 0, 100);
    static const char *const ids[] = {"1", "2", "3", "4", "5", "7", "9"};
    assert_int_equal(answer->count, sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < answer->count; i++)
        assert_string_equal(answer->entries[i].message.id, ids[i]);
    assert_string_equal(answer->entries[1].message.metadata, "{}");
    assert_string_equal(answer->entries[2].message.metadata, "{\"a\":1}");
    assert_string_equal(answer->entries[3].message.text, "\\x1B[2J\\x00\xEF\xBF\xBD");
    assert_string_equal(answer->entries[4].message.timestamp, "1970-01-01T00:00:00.000000+00:00");
    assert_int_equal(answer->entries[4].message.type, MESSAGE_CHAT);
    assert_string_equal(answer->entries[5].message.sender, "7.5");
    answer_free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keeps_its_files_to_itself, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_refuses_what_is_not_its_own, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_takes_over_older_versions, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_wal_is_long_from_the_beginning, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_counts_anew, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_shares_its_file_with_nobody, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_foreign_rows, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_keeps_the_wal_short, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_loses_nothing_when_killed, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_survives_a_failed_sync, before_faults, after_faults),
        cmocka_unit_test_setup_teardown(test_survives_a_failed_write, before_faults, after_faults),
        cmocka_unit_test_setup_teardown(test_acknowledges_on_a_full_disk, before_faults, after_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
