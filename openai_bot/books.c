#include "books.h"
#include "common/alloc.h"
#include "common/atomic_file.h"
#include "common/timestamp.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 16 * 1024 * 1024 };

struct books {
    users_t *users;
    budget_t *budget;
    char *users_path, *budget_path;
    const log_t *log;
};

typedef err_t (*take_cb)(void *part, const char *text, size_t length);

static err_t take_users(void *part, const char *text, size_t length)
{
    return users_read(part, text, length);
}

static err_t take_budget(void *part, const char *text, size_t length)
{
    return budget_read(part, text, length);
}

/* A file that isn't there is an empty one. */
static bool load(books_t *books, const char *path, take_cb take, void *part)
{
    buffer_t content;

    buffer_init(&content, 0);
    err_t err = atomic_file_read(path, MAX_FILE, &content);
    if (err == ERR_OK)
        err = take(part, buffer_text(&content), content.length);
    else if (err == ERR_NOT_FOUND)
        err = ERR_OK;
    if (err != ERR_OK)
        log_error(books->log, "state_unusable", "path=%s why=%s hint=%s", path, err_text(err),
                  "mend the file, or move it away to begin anew");
    buffer_free(&content);
    return err == ERR_OK;
}

static bool save(books_t *books, const char *path, buffer_t *content, err_t err)
{
    if (err == ERR_OK)
        err = atomic_file_write(path, buffer_text(content), content->length);
    if (err != ERR_OK)
        log_error(books->log, "state_not_written", "path=%s why=%s system=%s", path, err_text(err),
                  strerror(errno));
    buffer_free(content);
    return err == ERR_OK;
}

books_t *books_open(const books_options_t *options)
{
    books_t *books = alloc_new(books_t);

    books->log = options->log;
    books->users = users_new(options->usual, (size_t)options->memory_tokens);
    books->budget = budget_new(options->user_tokens, options->all_tokens);
    books->users_path = alloc_format("%s/openai_users.json", options->folder);
    books->budget_path = alloc_format("%s/openai_budget.json", options->folder);
    if (load(books, books->users_path, take_users, books->users) &&
        load(books, books->budget_path, take_budget, books->budget))
        return books;
    books_free(books);
    return NULL;
}

void books_free(books_t *books)
{
    if (!books)
        return;
    users_free(books->users);
    budget_free(books->budget);
    free(books->users_path);
    free(books->budget_path);
    free(books);
}

users_t *books_users(books_t *books)
{
    return books->users;
}

const budget_t *books_budget(const books_t *books)
{
    return books->budget;
}

bool books_save_users(books_t *books)
{
    buffer_t content;

    buffer_init(&content, 0);
    err_t err = users_write(books->users, &content);
    return save(books, books->users_path, &content, err);
}

static bool save_budget(books_t *books)
{
    buffer_t content;

    buffer_init(&content, 0);
    err_t err = budget_write(books->budget, &content);
    return save(books, books->budget_path, &content, err);
}

books_answer_t books_reserve(books_t *books, const char *user, int64_t tokens, reservation_t *out)
{
    static const books_answer_t answers[] = {
        [BUDGET_OK] = BOOKS_OK,
        [BUDGET_USER_SPENT] = BOOKS_USER_SPENT,
        [BUDGET_ALL_SPENT] = BOOKS_ALL_SPENT,
    };
    budget_answer_t answer = budget_reserve(books->budget, user, tokens, budget_day(timestamp_now()), out);

    if (answer != BUDGET_OK || save_budget(books))
        return answers[answer];
    budget_settle(books->budget, user, out, 0);
    return BOOKS_NOT_WRITTEN;
}

/* What cannot be written now is written with the next reservation; until then the file says too much. */
void books_settle(books_t *books, const char *user, const reservation_t *reservation, int64_t used)
{
    budget_settle(books->budget, user, reservation, used);
    save_budget(books);
}
