#include "stored_fields.h"
#include "../common/json.h"
#include "../common/text.h"
#include <stdlib.h>
#include <string.h>

/* An acknowledged message must not be given out without a part of it, as if that were all: as with message_make, that
 * is the end of the program. */
static void require_memory(bool memory)
{
    if (!memory)
        abort();
}

void stored_make(message_t *out, const char *sender, const char *destination, const char *text, size_t length,
                 size_t max_message_bytes, message_type_t type)
{
    size_t fitting = text_cut(text, length, max_message_bytes);
    if (text_is_message(text, fitting)) {
        message_make(out, sender, destination, text, fitting, type);
        return;
    }
    buffer_t printable;
    buffer_init(&printable, 0);
    text_append_printable(&printable, text, fitting, true);
    require_memory(!printable.failed);
    size_t cut =
        text_cut(buffer_text(&printable), printable.length, max_message_bytes); /* escapes are longer */
    message_make(out, sender, destination, buffer_text(&printable), cut, type);
    buffer_free(&printable);
}

static bool is_one_line(const char *json, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)json[i] < ' ')
            return false;
    }
    return true;
}

bool stored_metadata(const char *json, size_t length, message_t *out)
{
    err_t why;
    cJSON *parsed = json_parse_why(json, length, &why);
    require_memory(why != ERR_NO_MEMORY);
    bool object = cJSON_IsObject(parsed);
    char *compact = NULL;
    /* On one line, as we wrote it: then it is given out to the letter, for to print it anew would round large
     * numbers. Else nothing goes into our answers as it stands in the database. */
    bool exact = object && length <= MESSAGE_MAX_METADATA && is_one_line(json, length);
    if (object && !exact) {
        compact = cJSON_PrintUnformatted(parsed);
        require_memory(compact != NULL);
    }
    cJSON_Delete(parsed);
    bool fits = exact || (compact != NULL && strlen(compact) <= MESSAGE_MAX_METADATA);
    if (fits)
        message_set_metadata(out, exact ? json : compact);
    cJSON_free(compact);
    return fits;
}
