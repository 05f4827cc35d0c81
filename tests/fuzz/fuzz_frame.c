/* Lines of a JSON session, as the server and as a client reads them. What was accepted can be written down and
 * is read back as the same. */
#include "common/frame.h"
#include "common/text.h"
#include "fuzz.h"

enum { MAX_BYTES = 256 };

static void check_message(const message_t *message)
{
    char key[USERNAME_KEY_SIZE];
    FUZZ_CHECK(message->text_length > 0 && message->text_length <= MAX_BYTES);
    FUZZ_CHECK(strlen(message->text) == message->text_length);
    FUZZ_CHECK(text_is_message(message->text, message->text_length));
    FUZZ_CHECK(strlen(message->metadata) == message->metadata_length);
    FUZZ_CHECK(message->metadata_length <= MESSAGE_MAX_METADATA && message->metadata[0] == '{');
    username_key(message->destination, key);
    FUZZ_CHECK(key[0] != '\0');
}

static void check_written(const frame_t *frame)
{
    buffer_t line;
    frame_t again;
    message_t message = frame->message;
    buffer_init(&line, message_max_line(MAX_BYTES) + 1); /* and the newline */
    /* What a client leaves out the server puts in. */
    if (message.id[0] == '\0')
        strcpy(message.id, "id");
    if (message.sender[0] == '\0')
        strcpy(message.sender, "alice");
    if (message.timestamp[0] == '\0')
        timestamp_format(0, message.timestamp);
    FUZZ_CHECK(frame_write_message(&line, &message, frame->stored, frame->resend) == ERR_OK);
    FUZZ_CHECK(memchr(line.data, '\n', line.length) == line.data + line.length - 1);
    FUZZ_CHECK(frame_parse(line.data, line.length - 1, FRAME_SIDE_CLIENT, MAX_BYTES, &again, NULL) == ERR_OK);
    FUZZ_CHECK(strcmp(again.message.text, message.text) == 0 && again.message.type == message.type);
    FUZZ_CHECK(strcmp(again.message.destination, message.destination) == 0);
    FUZZ_CHECK(strcmp(again.message.metadata, message.metadata) == 0 && again.stored == frame->stored);
    frame_free(&again);
    buffer_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int side = FRAME_SIDE_SERVER; side <= FRAME_SIDE_CLIENT; side++) {
        frame_t frame;
        char id[ID_SIZE];
        err_t err = frame_parse((const char *)data, size, (frame_side_t)side, MAX_BYTES, &frame, id);
        FUZZ_CHECK(id[0] == '\0' || id_is_valid(id, strlen(id)));
        if (err != ERR_OK)
            continue;
        if (frame.type == FRAME_MESSAGE) {
            check_message(&frame.message);
            check_written(&frame);
        }
        frame_free(&frame);
    }
    return 0;
}
