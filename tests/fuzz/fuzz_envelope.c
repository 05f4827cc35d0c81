/* What a browser says to the web adapter. */
#include "common/text.h"
#include "fuzz.h"
#include "ws_adapter/envelope.h"

enum { MAX_BYTES = 256 };

static void check_told(const message_t *message)
{
    buffer_t out;
    buffer_init(&out, 0);
    for (int stored = 0; stored <= 1; stored++) {
        buffer_clear(&out);
        FUZZ_CHECK(envelope_write_message(&out, message, stored) == ERR_OK);
        cJSON *json = json_parse(out.data, out.length);
        FUZZ_CHECK(json != NULL && strcmp(json_string(json, "message"), message->text) == 0);
        cJSON_Delete(json);
    }
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    envelope_t envelope;
    char id[ID_SIZE];
    err_t err = envelope_parse((const char *)data, size, MAX_BYTES, &envelope, id);
    FUZZ_CHECK(id[0] == '\0' || id_is_valid(id, strlen(id)));
    if (err != ERR_OK)
        return 0;
    if (envelope.type == ENVELOPE_CHAT) {
        FUZZ_CHECK(text_is_message(envelope.message.text, envelope.message.text_length));
        FUZZ_CHECK(envelope.message.destination[0] != '\0');
        check_told(&envelope.message);
    }
    if (envelope.type == ENVELOPE_GOT)
        FUZZ_CHECK(id_is_valid(envelope.id, strlen(envelope.id)));
    envelope_free(&envelope);
    return 0;
}
