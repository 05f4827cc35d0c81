#include "json.h"
#include "alloc.h"
#include "json_check.h"
#include "text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From 2^53 on a double can stand for more than one whole number of the text. */
#define INTEGER_END 9007199254740992.0

enum { FEW_MEMBERS = 16 }; /* up to here comparing each with each is cheaper than sorting */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Most names differ in their first letter already: no call for those. */
static bool same_name(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

static bool has_duplicates_few(const cJSON *object)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        for (const cJSON *other = member->next; other != NULL; other = other->next) {
            if (same_name(member->string, other->string))
                return true;
        }
    }
    return false;
}

/* True also when there is no memory to find out. */
static bool has_duplicates(const cJSON *object)
{
    size_t count = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        count++;
    if (count <= FEW_MEMBERS)
        return has_duplicates_few(object);
    const char **names = try_bytes(count * sizeof *names);
    if (names == NULL)
        return true;
    size_t i = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        names[i++] = member->string;
    qsort(names, count, sizeof *names, compare_names);
    bool found = false;
    for (i = 1; i < count && !found; i++)
        found = strcmp(names[i - 1], names[i]) == 0;
    free(names);
    return found;
}

/* What can be seen only behind cJSON: a name that is there twice (readers disagree on which one counts) and
 * numbers that no double can hold. The depth is bounded by json_check. */
static bool is_sane(const cJSON *item)
{
    if (cJSON_IsNumber(item))
        return isfinite(item->valuedouble);
    if (cJSON_IsObject(item) && has_duplicates(item))
        return false;
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        if (!is_sane(child))
            return false;
    }
    return true;
}

static cJSON *parse(const char *text, size_t length)
{
    if (!text_is_utf8(text, length) || !json_check(text, length))
        return NULL;
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, length, &end, false);
    if (json == NULL)
        return NULL;
    /* Some versions of cJSON read at most 63 characters of a number and leave the rest over. */
    while (end < text + length && strchr(" \t\r\n", *end) != NULL)
        end++;
    if (end != text + length || !is_sane(json)) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}

/* cJSON does not tell the one failure from the other, but malloc does. */
cJSON *json_parse_why(const char *text, size_t length, err_t *why)
{
    errno = 0;
    cJSON *json = parse(text, length);
    *why = json != NULL ? ERR_OK : errno == ENOMEM ? ERR_NO_MEMORY : ERR_NOT_JSON;
    return json;
}

cJSON *json_parse(const char *text, size_t length)
{
    err_t why;
    return json_parse_why(text, length, &why);
}

const cJSON *json_member(const cJSON *object, const char *name)
{
    if (!cJSON_IsObject(object))
        return NULL;
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        if (same_name(member->string, name))
            return member;
    }
    return NULL;
}

const char *json_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(json_member(object, name));
}

bool json_integer(const cJSON *object, const char *name, int64_t *value)
{
    const cJSON *item = json_member(object, name);
    if (!cJSON_IsNumber(item))
        return false;
    double number = item->valuedouble;
    if (!(fabs(number) < INTEGER_END) || number != trunc(number))
        return false;
    *value = (int64_t)number;
    return true;
}

bool json_bool(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *item = json_member(object, name);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

/* How many bytes a character's escape adds: 1 for \n, 5 for \u00XX. */
static inline size_t escape_cost(unsigned char c)
{
    if (c == '"' || c == '\\' || c == '\n' || c == '\t')
        return 1;
    return c < 0x20 || c == 0x7F ? 5 : 0;
}

static char *put_escaped(char *to, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    *to++ = '\\';
    switch (c) {
    case '\n':
        *to++ = 'n';
        return to;
    case '\t':
        *to++ = 't';
        return to;
    case '"':
    case '\\':
        *to++ = (char)c;
        return to;
    default:
        memcpy(to, "u00", 3);
        to[3] = digits[c >> 4];
        to[4] = digits[c & 15];
        return to + 5;
    }
}

err_t json_append_string(buffer_t *out, const char *text, size_t length)
{
    size_t extra = 0;
    if (text_plain_length(text, length) < length) {
        for (size_t i = 0; i < length; i++)
            extra += escape_cost((unsigned char)text[i]);
    }
    err_t err = buffer_reserve(out, length + extra + 2);
    if (err != ERR_OK)
        return err;
    char *to = out->data + out->length;
    *to++ = '"';
    if (extra == 0 && length > 0) {
        memcpy(to, text, length);
        to += length;
    } else {
        for (size_t i = 0; i < length; i++) {
            unsigned char c = (unsigned char)text[i];
            if (escape_cost(c) != 0)
                to = put_escaped(to, c);
            else
                *to++ = (char)c;
        }
    }
    *to++ = '"';
    *to = '\0';
    out->length = (size_t)(to - out->data);
    return ERR_OK;
}

static err_t cut_back(buffer_t *out, size_t length, err_t err)
{
    if (err != ERR_OK && out->length > length) {
        out->length = length;
        out->data[length] = '\0';
    }
    return err;
}

err_t json_append_name(buffer_t *out, const char *name)
{
    size_t start = out->length;
    char last = start > 0 ? out->data[start - 1] : '{';
    err_t err = ERR_OK;
    if (last != '{' && last != '[')
        err = buffer_append_char(out, ',');
    if (err == ERR_OK)
        err = json_append_string(out, name, strlen(name));
    if (err == ERR_OK)
        err = buffer_append_char(out, ':');
    return cut_back(out, start, err);
}

err_t json_append_member(buffer_t *out, const char *name, const char *value)
{
    if (value == NULL)
        return ERR_OK;
    size_t start = out->length;
    err_t err = json_append_name(out, name);
    if (err == ERR_OK)
        err = json_append_string(out, value, strlen(value));
    return cut_back(out, start, err);
}

/* Without printf: some are in the answer to every login. */
static err_t append_digits(buffer_t *out, int64_t value)
{
    char digits[24], *to = digits + sizeof digits;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        *--to = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (value < 0)
        *--to = '-';
    return buffer_append(out, to, (size_t)(digits + sizeof digits - to));
}

err_t json_append_integer(buffer_t *out, const char *name, int64_t value)
{
    size_t start = out->length;
    err_t err = json_append_name(out, name);
    if (err == ERR_OK)
        err = append_digits(out, value);
    return cut_back(out, start, err);
}

err_t json_append_item(buffer_t *out, const cJSON *item)
{
    char *print = cJSON_PrintUnformatted(item);
    if (print == NULL)
        return ERR_NO_MEMORY;
    err_t err = buffer_append_text(out, print);
    cJSON_free(print);
    return err;
}
