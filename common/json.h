/* cJSON with its sharp edges taken off: whole input, depth at most 32, no NUL, valid UTF-8, no duplicate
 * surprises. Also a fast writer of JSON into a buffer_t for hot paths. */
#ifndef P2P_JSON_H
#define P2P_JSON_H
#include "buffer.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum { JSON_MAX_DEPTH = 32 };

/* Parses exactly length bytes (trailing space allowed). NULL on any error. \u0000 in a string is an error.
 * Free with cJSON_Delete. */
cJSON *json_parse(const char *text, size_t length);
/* The same; *why is OK, NOT_JSON, or NO_MEMORY: then the text may be good. */
cJSON *json_parse_why(const char *text, size_t length, err_t *why);
/* The member of an object, or NULL. Case-sensitive. */
const cJSON *json_member(const cJSON *object, const char *name);
/* The string member, or NULL when it is missing or no string. Case-sensitive. */
const char *json_string(const cJSON *object, const char *name);
/* The number as an integer; false when missing, no number, not whole, or not below 2^53 (from there on doubles
 * are no longer exact). */
bool json_integer(const cJSON *object, const char *name, int64_t *value);
bool json_bool(const cJSON *object, const char *name, bool fallback);

/* "text" with quotes and escapes (\n, \t, other control characters as \u00XX; UTF-8 kept). */
err_t json_append_string(buffer_t *out, const char *text, size_t length);
/* "name": — with a comma in front unless out ends in '{' or '['. */
err_t json_append_name(buffer_t *out, const char *name);
/* name and string value; NULL value is skipped. */
err_t json_append_member(buffer_t *out, const char *name, const char *value);
err_t json_append_integer(buffer_t *out, const char *name, int64_t value);
/* The compact print of an item. */
err_t json_append_item(buffer_t *out, const cJSON *item);

#endif
