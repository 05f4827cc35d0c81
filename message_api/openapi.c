#include "openapi.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

extern const char openapi_json[]; /* made of openapi.json by the build; NUL-terminated */

typedef struct {
    const char *name; /* as it stands in the file, quotes included */
    const char *value;
} blank_t;

err_t openapi_append(buffer_t *out, int64_t max_message_bytes)
{
    char limit[24];
    snprintf(limit, sizeof limit, "%" PRId64, max_message_bytes);
    /* In the order of the file, each once. */
    const blank_t blanks[] = {{"\"@VERSION@\"", "\"" P2P_VERSION "\""}, {"\"@MAX_MESSAGE_BYTES@\"", limit}};

    const char *rest = openapi_json;
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0] && err == ERR_OK; i++) {
        const char *at = strstr(rest, blanks[i].name);
        if (at == NULL)
            continue;
        err = buffer_append(out, rest, (size_t)(at - rest));
        if (err == ERR_OK)
            err = buffer_append_text(out, blanks[i].value);
        rest = at + strlen(blanks[i].name);
    }
    return err == ERR_OK ? buffer_append_text(out, rest) : err;
}
