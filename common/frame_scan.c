#include "frame_scan.h"
#include "text.h"
#include <string.h>

typedef enum {
    MEMBER_TYPE,
    MEMBER_DESTINATION,
    MEMBER_MESSAGE,
    MEMBER_ID,
    MEMBER_SENDER,
    MEMBER_TIMESTAMP,
    MEMBER_METADATA,
    MEMBERS,
} member_t;

typedef struct {
    const char *at, *end;
    unsigned seen; /* one bit a member */
    span_t values[MEMBERS];
} scan_t;

static inline void skip_spaces(scan_t *scan)
{
    while (scan->at < scan->end && *scan->at == ' ')
        scan->at++;
}

static inline bool take(scan_t *scan, const char *text, size_t length)
{
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, text, length) != 0)
        return false;
    scan->at += length;
    return true;
}

/* The name with its quotes and its colon, as every writer puts them. */
#define TAKE_NAME(scan, name, member) (take(scan, "\"" name "\":", sizeof name + 2) ? (member) : MEMBERS)

/* MEMBERS: none of those known. */
static member_t take_name(scan_t *scan)
{
    if (scan->end - scan->at < 4)
        return MEMBERS;
    switch (scan->at[1]) {
    case 't':
        return scan->at[2] == 'y' ? TAKE_NAME(scan, "type", MEMBER_TYPE)
                                  : TAKE_NAME(scan, "timestamp", MEMBER_TIMESTAMP);
    case 'd':
        return TAKE_NAME(scan, "destination", MEMBER_DESTINATION);
    case 'm':
        return scan->at[3] == 's' ? TAKE_NAME(scan, "message", MEMBER_MESSAGE)
                                  : TAKE_NAME(scan, "metadata", MEMBER_METADATA);
    case 'i':
        return TAKE_NAME(scan, "id", MEMBER_ID);
    case 's':
        return TAKE_NAME(scan, "sender", MEMBER_SENDER);
    default:
        return MEMBERS;
    }
}

/* Has bytes beyond ASCII, perhaps. Control characters and escapes are for the other parser. */
static bool needs_no_escape(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == '\\')
            return false;
    }
    return text_is_message(text, length);
}

static bool take_string(scan_t *scan, span_t *value)
{
    if (!take(scan, "\"", 1))
        return false;
    size_t left = (size_t)(scan->end - scan->at), plain = text_plain_length(scan->at, left);
    const char *quote = scan->at + plain;
    if (plain == left || (*quote != '"' && (quote = memchr(quote, '"', left - plain)) == NULL))
        return false;
    *value = (span_t){scan->at, (size_t)(quote - scan->at)};
    scan->at = quote + 1;
    return value->length == plain || needs_no_escape(value->data, value->length);
}

static bool take_member(scan_t *scan)
{
    member_t member = take_name(scan);
    if (member == MEMBERS || scan->seen & 1u << member)
        return false;
    scan->seen |= 1u << member;
    skip_spaces(scan);
    return member == MEMBER_METADATA ? take(scan, "{}", 2) : take_string(scan, &scan->values[member]);
}

static bool take_members(scan_t *scan)
{
    if (!take(scan, "{", 1))
        return false;
    do {
        skip_spaces(scan);
        if (!take_member(scan))
            return false;
    } while (take(scan, ",", 1));
    return take(scan, "}", 1) && scan->at == scan->end;
}

static bool is_word(const span_t *value, const char *word, size_t length)
{
    return value->length == length && memcmp(value->data, word, length) == 0;
}

static bool has(const scan_t *scan, member_t member)
{
    return scan->seen & 1u << member;
}

static bool has_valid_id(const scan_t *scan)
{
    return id_is_valid(scan->values[MEMBER_ID].data, scan->values[MEMBER_ID].length);
}

static bool is_message(const scan_t *scan, size_t max_message_bytes)
{
    size_t length = scan->values[MEMBER_MESSAGE].length;
    return (!has(scan, MEMBER_TYPE) || is_word(&scan->values[MEMBER_TYPE], "chat", 4)) &&
           has(scan, MEMBER_DESTINATION) && length > 0 && length <= max_message_bytes &&
           (!has(scan, MEMBER_ID) || has_valid_id(scan));
}

static bool is_got(const scan_t *scan)
{
    return has(scan, MEMBER_TYPE) && is_word(&scan->values[MEMBER_TYPE], "got", 3) &&
           scan->values[MEMBER_SENDER].length > 0 && has(scan, MEMBER_ID) && has_valid_id(scan);
}

bool frame_scan(const char *line, size_t length, size_t max_message_bytes, frame_view_t *out)
{
    scan_t scan = {.at = line, .end = line + length};
    if (!take_members(&scan))
        return false;
    bool got = is_got(&scan);
    if (!got && !is_message(&scan, max_message_bytes))
        return false;
    *out = (frame_view_t){.type = got ? FRAME_GOT : FRAME_MESSAGE,
                          .id = scan.values[MEMBER_ID],
                          .sender = scan.values[MEMBER_SENDER],
                          .destination = scan.values[MEMBER_DESTINATION],
                          .text = scan.values[MEMBER_MESSAGE]};
    return true;
}
