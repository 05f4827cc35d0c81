/* Names, times, and text on its way to a terminal or a log. */
#include "common/alloc.h"
#include "common/log.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "common/username.h"
#include "fuzz.h"
#include <sys/mman.h>
#include <unistd.h>

static void check_name(const char *text, size_t size)
{
    char name[USERNAME_SIZE], again[USERNAME_SIZE], key[USERNAME_KEY_SIZE], key_of_key[USERNAME_KEY_SIZE];
    if (username_normalise(text, size, name) != ERR_OK)
        return;
    FUZZ_CHECK(text_is_message(name, strlen(name)) && name[0] != '\0');
    FUZZ_CHECK(username_normalise(name, strlen(name), again) == ERR_OK && strcmp(name, again) == 0);
    username_key(name, key);
    username_key(key, key_of_key);
    FUZZ_CHECK(strcmp(key, key_of_key) == 0 && text_is_utf8(key, strlen(key)));
    FUZZ_CHECK(username_in_list(name, name));
    static const char *const unseen[] = {"\xEF\xB8\x8F", "\xCD\x8F", "\xE2\x80\x8B", "\xE2\x80\xAE",
                                         "\xE3\x85\xA4"};
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++)
        FUZZ_CHECK(strstr(name, unseen[i]) == NULL);
}

static void check_time(const char *text)
{
    int64_t time, again;
    char out[TIMESTAMP_SIZE];
    if (timestamp_parse(text, &time) != ERR_OK)
        return;
    FUZZ_CHECK(time >= 0);
    timestamp_format(time, out);
    FUZZ_CHECK(strlen(out) == TIMESTAMP_SIZE - 1);
    FUZZ_CHECK(timestamp_parse(out, &again) == ERR_OK);
    FUZZ_CHECK(again == time || out[0] == '9'); /* the end of the year 9999 is the last that can be written */
}

static void check_printable(const char *text, size_t size)
{
    buffer_t out;
    buffer_init(&out, 0);
    FUZZ_CHECK(text_append_printable(&out, text, size, false) == ERR_OK);
    FUZZ_CHECK(text_is_message(buffer_text(&out), out.length));
    FUZZ_CHECK(strpbrk(buffer_text(&out), "\n\t\r\033") == NULL);
    buffer_free(&out);
}

/* One event, one line: nobody forges another. */
static void check_log(const char *text)
{
    static int file = -1;
    char line[8192];
    log_t log;
    if (file < 0)
        file = memfd_create("log", 0);
    log_init(&log, "fuzz", LOG_INFO);
    log.descriptor = file;
    FUZZ_CHECK(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    log_info(&log, "event", "text=%s count=%d", text, 7);
    ssize_t length = pread(file, line, sizeof line, 0);
    FUZZ_CHECK(length > 0 && length <= 4096 && line[length - 1] == '\n');
    FUZZ_CHECK(memchr(line, '\n', (size_t)length) == line + length - 1);
    FUZZ_CHECK(text_is_message(line, (size_t)length) && memchr(line, '\t', (size_t)length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t limit = fuzz_byte(&data, &size);
    char *text = alloc_string_n((const char *)data, size);
    check_name(text, size);
    check_time(text);
    check_printable(text, size);
    check_log(text);
    if (text_is_utf8(text, size)) {
        size_t cut = text_cut(text, size, limit);
        FUZZ_CHECK(cut <= limit && text_is_utf8(text, cut));
    }
    free(text);
    return 0;
}
