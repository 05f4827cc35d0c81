/* Framing: however the bytes are cut into pieces, the same lines come out. The first byte is the limit, the
 * second the size of the pieces. */
#include "common/line_reader.h"
#include "fuzz.h"

static void take_lines(line_reader_t *reader, bool finish, buffer_t *seen)
{
    char *line;
    size_t length;
    line_status_t status;
    while ((status = finish ? line_reader_finish(reader, &line, &length)
                            : line_reader_next(reader, &line, &length)) != LINE_NEED_MORE) {
        if (status == LINE_TOO_LONG) {
            buffer_append_text(seen, "[long]");
            continue;
        }
        FUZZ_CHECK(length <= reader->limit && line[length] == '\0' && memchr(line, '\n', length) == NULL);
        buffer_appendf(seen, "[%zu:", length);
        buffer_append(seen, line, length);
        memset(line, 'x', length); /* it is ours to write to */
    }
}

static void read_in_pieces(const uint8_t *data, size_t size, size_t limit, size_t piece, buffer_t *seen)
{
    line_reader_t reader;
    line_reader_init(&reader, limit);
    for (size_t i = 0; i < size; i += piece) {
        size_t length = size - i < piece ? size - i : piece;
        FUZZ_CHECK(line_reader_feed(&reader, (const char *)data + i, length) == ERR_OK);
        take_lines(&reader, false, seen);
        FUZZ_CHECK(line_reader_pending(&reader) <= limit + 1);
    }
    take_lines(&reader, true, seen);
    FUZZ_CHECK(line_reader_pending(&reader) == 0);
    line_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t limit = fuzz_byte(&data, &size) % 64, piece = fuzz_byte(&data, &size) % 32 + 1;
    buffer_t whole, pieces;
    buffer_init(&whole, 0);
    buffer_init(&pieces, 0);
    read_in_pieces(data, size, limit, size + 1, &whole);
    read_in_pieces(data, size, limit, piece, &pieces);
    FUZZ_CHECK(whole.length == pieces.length &&
               memcmp(buffer_text(&whole), buffer_text(&pieces), whole.length) == 0);
    buffer_free(&whole);
    buffer_free(&pieces);
    return 0;
}
