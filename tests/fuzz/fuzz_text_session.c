/* A message on its way to a text session: every line begins with its sender, whatever the text holds. */
#include "common/alloc.h"
#include "common/text.h"
#include "fuzz.h"
#include "server/text_format.h"

static void check_lines(const buffer_t *out, const char *prefix)
{
    const char *line = buffer_text(out);
    FUZZ_CHECK(out->length > 0 && line[out->length - 1] == '\n' && text_is_message(line, out->length));
    while (*line != '\0') {
        FUZZ_CHECK(strncmp(line, prefix, strlen(prefix)) == 0);
        line = strchr(line, '\n') + 1;
    }
}

static void format(const char *text, size_t size, unsigned kind)
{
    static const char *const prefixes[] = {"[alice][1970-01-01T00:00:00.000000+00:00] ",
                                           "[Stored] [CHAT][1970-01-01T00:00:00.000000+00:00][alice] "};
    bool stored = kind & 1;
    message_t message;
    buffer_t out;
    message_make(&message, "alice", "bob", text, size, MESSAGE_CHAT);
    timestamp_format(0, message.timestamp);
    if (kind & 2)
        message_set_metadata(&message, text);
    buffer_init(&out, 0);
    FUZZ_CHECK(text_format_message(&out, &message, stored) == ERR_OK);
    check_lines(&out, prefixes[stored]);
    buffer_free(&out);
    message_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned kind = fuzz_byte(&data, &size);
    char *text = alloc_string_n((const char *)data, size);
    const char *name, *rest;
    size_t name_length, rest_length;
    if (text_format_split(text, size, &name, &name_length, &rest, &rest_length)) {
        FUZZ_CHECK(name >= text && name + name_length <= text + size && name_length > 0);
        FUZZ_CHECK(rest > name && rest + rest_length <= text + size && rest_length > 0);
    }
    format(text, size, kind);
    free(text);
    return 0;
}
