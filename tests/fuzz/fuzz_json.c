/* The strict JSON reader: what it takes is printed, and taken again as the same. */
#include "common/json.h"
#include "common/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *json = json_parse((const char *)data, size);
    if (json == NULL)
        return 0;
    FUZZ_CHECK(text_is_utf8((const char *)data, size));
    buffer_t first, second;
    buffer_init(&first, 0);
    buffer_init(&second, 0);
    FUZZ_CHECK(json_append_item(&first, json) == ERR_OK);
    cJSON *again = json_parse(first.data, first.length);
    FUZZ_CHECK(again != NULL && cJSON_Compare(json, again, true));
    FUZZ_CHECK(json_append_item(&second, again) == ERR_OK);
    FUZZ_CHECK(strcmp(first.data, second.data) == 0);
    cJSON_Delete(again);
    cJSON_Delete(json);
    buffer_free(&first);
    buffer_free(&second);
    return 0;
}
