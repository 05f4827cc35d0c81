/* The stream of a model's answer: however the bytes are cut into pieces, the same events come out. The first
 * byte is the limit, the second the size of the pieces. */
#include "fuzz.h"
#include "openai_bot/sse.h"

static bool on_event(void *context, const char *data, size_t length)
{
    buffer_t *seen = context;
    FUZZ_CHECK(data[length] == '\0');
    buffer_appendf(seen, "[%zu:", length);
    buffer_append(seen, data, length);
    return length != 3; /* some of them are the last that anyone wants */
}

static err_t read_in_pieces(const uint8_t *data, size_t size, size_t limit, size_t piece, buffer_t *seen)
{
    sse_t sse;
    err_t err = ERR_OK;
    sse_init(&sse, limit);
    for (size_t i = 0; i < size && err == ERR_OK; i += piece)
        err = sse_feed(&sse, (const char *)data + i, size - i < piece ? size - i : piece, on_event, seen);
    sse_free(&sse);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t limit = fuzz_byte(&data, &size) + 1, piece = fuzz_byte(&data, &size) % 32 + 1;
    buffer_t whole, pieces;
    buffer_init(&whole, 0);
    buffer_init(&pieces, 0);
    err_t err = read_in_pieces(data, size, limit, size + 1, &whole);
    FUZZ_CHECK(read_in_pieces(data, size, limit, piece, &pieces) == err);
    FUZZ_CHECK(whole.length == pieces.length &&
               memcmp(buffer_text(&whole), buffer_text(&pieces), whole.length) == 0);
    buffer_free(&whole);
    buffer_free(&pieces);
    return 0;
}
