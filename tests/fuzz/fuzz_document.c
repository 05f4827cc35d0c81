/* Documents of MongoDB, which the original wrote, or anyone: they become messages that our readers take. They are
 * found by their destination, so that is a name. */
#include "fuzz.h"
#include "message_api/store_mongo.h"

enum { MAX_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bson_t document;
    char name[USERNAME_SIZE];
    if (!bson_init_static(&document, data, size))
        return 0;
    const char *destination = mongo_text(&document, "destination");
    if (username_normalise(destination, strlen(destination), name) != ERR_OK ||
        strcmp(destination, name) != 0)
        return 0;
    message_t message, again;
    buffer_t out;
    buffer_init(&out, 0);
    mongo_document_read(&document, MAX_BYTES, &message);
    FUZZ_CHECK(message.text_length <= MAX_BYTES);
    FUZZ_CHECK(message_append_json(&out, &message) == ERR_OK);
    cJSON *json = json_parse(out.data, out.length);
    FUZZ_CHECK(json != NULL);
    err_t err = message_from_json(json, MESSAGE_FROM_PEER, MAX_BYTES, &again, NULL);
    if (err == ERR_OK)
        message_free(&again);
    else /* a document that holds no text, or has no id yet */
        FUZZ_CHECK(err == ERR_EMPTY || err == ERR_INVALID_ID);
    cJSON_Delete(json);
    buffer_free(&out);
    message_free(&message);
    return 0;
}
