/* What a browser says to the web adapter, and what a server says that the browser is told. */
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

/* One WebSocket message: a JSON object whose `name` is `text`. Clears it. */
static void check_object(buffer_t *out, const char *name, const char *text)
{
    cJSON *json = json_parse(buffer_text(out), out->length);
    FUZZ_CHECK(json != NULL && json_string(json, "type") != NULL);
    if (text != NULL)
        FUZZ_CHECK(json_string(json, name) != NULL && strcmp(json_string(json, name), text) == 0);
    cJSON_Delete(json);
    buffer_clear(out);
}

static void tell(const frame_t *frame, buffer_t *out)
{
    roster_t roster = {0};
    if (frame->type == FRAME_MESSAGE)
        check_told(&frame->message);
    if (frame->type == FRAME_RECEIPT) {
        FUZZ_CHECK(envelope_write_receipt(out, frame->id, frame->status, frame->code, frame->reason) ==
                   ERR_OK);
        check_object(out, "reason", frame->reason);
    }
    if (frame->type == FRAME_ERROR) {
        FUZZ_CHECK(envelope_write_error(out, frame->code, frame->reason) == ERR_OK);
        check_object(out, "message", frame->reason);
    }
    if (frame->type == FRAME_PARTIAL) {
        FUZZ_CHECK(envelope_write_partial(out, frame->sender, frame->id, frame->text) == ERR_OK);
        check_object(out, "message", frame->text);
    }
    if (frame->type == FRAME_RESULT) {
        FUZZ_CHECK(envelope_write_result(out, frame) == ERR_OK);
        check_object(out, NULL, NULL);
    }
    if (frame->type == FRAME_LOGIN_SUCCESS) {
        roster_replace(&roster, frame->users);
        FUZZ_CHECK(envelope_write_login_success(out, frame->username, &roster, MAX_BYTES) == ERR_OK);
        check_object(out, "username", frame->username);
        FUZZ_CHECK(envelope_write_presence(out, true, frame->username, &roster, 1) == ERR_OK);
        check_object(out, "username", frame->username);
    }
    roster_free(&roster);
}

static void hear_server(const char *text, size_t size)
{
    frame_t frame;
    buffer_t out;
    if (frame_parse(text, size, FRAME_SIDE_CLIENT, MAX_BYTES, &frame, NULL) != ERR_OK)
        return;
    buffer_init(&out, 0);
    tell(&frame, &out);
    buffer_free(&out);
    frame_free(&frame);
}

/* What the short way takes, the long way takes as the same: space in front is nothing to it, and not for the short. */
static void check_long_way(const uint8_t *data, size_t size, const envelope_t *short_way)
{
    buffer_t spaced;
    envelope_t envelope;
    char id[ID_SIZE];

    buffer_init(&spaced, 0);
    buffer_append_char(&spaced, ' ');
    buffer_append(&spaced, data, size);
    FUZZ_CHECK(envelope_parse(spaced.data, spaced.length, MAX_BYTES, &envelope, id) == ERR_OK);
    FUZZ_CHECK(envelope.json != NULL && envelope.type == short_way->type && !envelope.resend);
    if (envelope.type == ENVELOPE_CHAT) {
        FUZZ_CHECK(strcmp(envelope.message.text, short_way->message.text) == 0);
        FUZZ_CHECK(envelope.message.text_length == short_way->message.text_length);
        FUZZ_CHECK(strcmp(envelope.message.destination, short_way->message.destination) == 0);
        FUZZ_CHECK(strcmp(envelope.message.id, short_way->message.id) == 0);
        FUZZ_CHECK(strcmp(envelope.message.metadata, short_way->message.metadata) == 0);
        FUZZ_CHECK(envelope.message.type == short_way->message.type);
    } else {
        FUZZ_CHECK(strcmp(envelope.sender, short_way->sender) == 0);
        FUZZ_CHECK(strcmp(envelope.id, short_way->id) == 0);
    }
    envelope_free(&envelope);
    buffer_free(&spaced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hear_server((const char *)data, size);
    envelope_t envelope;
    char id[ID_SIZE];
    err_t err = envelope_parse((const char *)data, size, MAX_BYTES, &envelope, id);
    FUZZ_CHECK(id[0] == '\0' || id_is_valid(id, strlen(id)));
    if (err != ERR_OK)
        return 0;
    if (!envelope.json)
        check_long_way(data, size, &envelope);
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
