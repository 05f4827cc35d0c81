#include "budget.h"
#include "common/alloc.h"
#include "common/hash.h"
#include "common/json.h"
#include "common/username.h"
#include <stdlib.h>
#include <string.h>

struct budget {
    int64_t user_limit, limit;
    int64_t day, tokens; /* of the day that is counted */
    hash_t *users;       /* to int64_t * */
};

static const int64_t DAY_US = 86400LL * 1000000, MOST_TOKENS = 1LL << 52;

budget_t *budget_new(int64_t user_limit, int64_t limit)
{
    budget_t *budget = alloc_new(budget_t);

    budget->user_limit = user_limit;
    budget->limit = limit;
    budget->users = hash_new();
    return budget;
}

static void free_users(hash_t *users)
{
    size_t position = 0;
    const char *name;
    void *tokens;

    while (hash_next(users, &position, &name, &tokens))
        free(tokens);
    hash_free(users);
}

void budget_free(budget_t *budget)
{
    if (!budget)
        return;
    free_users(budget->users);
    free(budget);
}

int64_t budget_day(int64_t now_us)
{
    return now_us / DAY_US;
}

/* A clock that was set back by a little must not open the budget again; one that had been wrong by days must not
 * close it for ever. */
static bool is_counted(const budget_t *budget, int64_t day)
{
    return day == budget->day || day == budget->day - 1;
}

static void begin_day(budget_t *budget, int64_t day)
{
    if (is_counted(budget, day))
        return;
    free_users(budget->users);
    budget->users = hash_new();
    budget->day = day;
    budget->tokens = 0;
}

static void add_to(budget_t *budget, const char *user, int64_t tokens)
{
    int64_t *used = hash_get(budget->users, user);

    if (!used) {
        used = alloc_new(int64_t);
        hash_put(budget->users, user, used);
    }
    *used = *used + tokens > 0 ? *used + tokens : 0;
    budget->tokens = budget->tokens + tokens > 0 ? budget->tokens + tokens : 0;
}

budget_answer_t budget_reserve(budget_t *budget, const char *user, int64_t tokens, int64_t day,
                               reservation_t *out)
{
    begin_day(budget, day);
    if (budget->user_limit > 0 && budget_used_by(budget, user, day) + tokens > budget->user_limit)
        return BUDGET_USER_SPENT;
    if (budget->limit > 0 && budget->tokens + tokens > budget->limit)
        return BUDGET_ALL_SPENT;
    if (!hash_get(budget->users, user) && hash_count(budget->users) >= BUDGET_MAX_USERS)
        return BUDGET_ALL_SPENT;
    add_to(budget, user, tokens);
    *out = (reservation_t){budget->day, tokens};
    return BUDGET_OK;
}

void budget_settle(budget_t *budget, const char *user, const reservation_t *reservation, int64_t used)
{
    if (reservation->day == budget->day)
        add_to(budget, user, used - reservation->tokens);
}

int64_t budget_used_by(const budget_t *budget, const char *user, int64_t day)
{
    const int64_t *used = is_counted(budget, day) ? hash_get(budget->users, user) : NULL;

    return used ? *used : 0;
}

int64_t budget_used(const budget_t *budget, int64_t day)
{
    return is_counted(budget, day) ? budget->tokens : 0;
}

int64_t budget_user_limit(const budget_t *budget)
{
    return budget->user_limit;
}

int64_t budget_limit(const budget_t *budget)
{
    return budget->limit;
}

err_t budget_write(const budget_t *budget, buffer_t *out)
{
    size_t position = 0;
    const char *name;
    void *tokens;
    err_t err = buffer_append_char(out, '{');

    if (err == ERR_OK)
        err = json_append_integer(out, "day", budget->day);
    if (err == ERR_OK)
        err = json_append_integer(out, "tokens", budget->tokens);
    if (err == ERR_OK)
        err = json_append_name(out, "users");
    if (err == ERR_OK)
        err = buffer_append_char(out, '{');
    while (err == ERR_OK && hash_next(budget->users, &position, &name, &tokens))
        err = json_append_integer(out, name, *(int64_t *)tokens);
    return err == ERR_OK ? buffer_append_text(out, "}}\n") : err;
}

static bool is_count(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > (double)MOST_TOKENS)
        return false;
    *value = (int64_t)item->valuedouble;
    return true;
}

/* NULL when something doesn't fit. */
static hash_t *read_users(const cJSON *members)
{
    hash_t *users = hash_new();
    const cJSON *item;
    int64_t value;

    cJSON_ArrayForEach(item, members)
    {
        if (!is_count(item, &value) || strlen(item->string) >= USERNAME_SIZE ||
            hash_count(users) >= BUDGET_MAX_USERS) {
            free_users(users);
            return NULL;
        }
        int64_t *tokens = alloc_new(int64_t);
        *tokens = value;
        free(hash_put(users, item->string, tokens));
    }
    return users;
}

err_t budget_read(budget_t *budget, const char *text, size_t length)
{
    cJSON *json = json_parse(text, length);
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(json, "users");
    int64_t day, tokens;
    hash_t *users = NULL;

    if (!json)
        return ERR_NOT_JSON;
    if (cJSON_IsObject(members) && is_count(cJSON_GetObjectItemCaseSensitive(json, "day"), &day) &&
        is_count(cJSON_GetObjectItemCaseSensitive(json, "tokens"), &tokens))
        users = read_users(members);
    if (users) {
        free_users(budget->users);
        budget->users = users;
        budget->day = day;
        budget->tokens = tokens;
    }
    cJSON_Delete(json);
    return users ? ERR_OK : ERR_INVALID_FRAME;
}
