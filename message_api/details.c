#include "details.h"
#include "../common/json.h"
#include <stdio.h>
#include <string.h>

enum { PLACE_SIZE = 160 };

void details_init(details_t *details)
{
    buffer_init(&details->json, 0);
    details->count = 0;
    details->no_memory = false;
}

void details_free(details_t *details)
{
    buffer_free(&details->json);
}

void details_add(details_t *details, const char *type, const char *text, const char *place, ...)
{
    if (details->count++ >= DETAILS_MAX)
        return;
    char where[PLACE_SIZE];
    va_list arguments;
    va_start(arguments, place);
    vsnprintf(where, sizeof where, place, arguments);
    va_end(arguments);

    buffer_t *json = &details->json;
    if (buffer_appendf(json, "%s{\"loc\":[%s]", json->length > 0 ? "," : "", where) != ERR_OK ||
        json_append_member(json, "msg", text) != ERR_OK || json_append_member(json, "type", type) != ERR_OK ||
        buffer_append_char(json, '}') != ERR_OK)
        buffer_clear(json);
}

err_t details_append(const details_t *details, buffer_t *out)
{
    return details->no_memory || details->json.failed
               ? ERR_NO_MEMORY
               : buffer_appendf(out, "{\"detail\":[%s]}", buffer_text(&details->json));
}
