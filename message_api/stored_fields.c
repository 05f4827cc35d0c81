#include "stored_fields.h"
#include "../common/json.h"
#include "../common/text.h"
#include <string.h>

void stored_text(const char *text, size_t length, size_t max_message_bytes, buffer_t *out)
{
    size_t fitting = text_cut(text, length, max_message_bytes);
    if (text_is_message(text, fitting))
        buffer_append(out, text, fitting);
    else
        text_append_printable(out, text, fitting, true);
    size_t cut = text_cut(buffer_text(out), out->length, max_message_bytes); /* escapes are longer */
    if (cut < out->length) {
        out->length = cut;
        out->data[cut] = '\0';
    }
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
    cJSON *parsed = json_parse(json, length);
    bool object = cJSON_IsObject(parsed);
    char *compact = NULL;
    /* On one line, as we wrote it: then it is given out to the letter, for to print it anew would round large
     * numbers. Else nothing goes into our answers as it stands in the database. */
    bool exact = object && length <= MESSAGE_MAX_METADATA && is_one_line(json, length);
    if (object && !exact)
        compact = cJSON_PrintUnformatted(parsed);
    cJSON_Delete(parsed);
    bool fits = exact || (compact != NULL && strlen(compact) <= MESSAGE_MAX_METADATA);
    if (fits)
        message_set_metadata(out, exact ? json : compact);
    cJSON_free(compact);
    return fits;
}
