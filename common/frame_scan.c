#include "frame_scan.h"
#include "text.h"
#include <string.h>

/* One bit a member, to see that none comes twice. */
typedef enum {
    HAS_TYPE = 1 << 0,
    HAS_DESTINATION = 1 << 1,
    HAS_TEXT = 1 << 2,
    HAS_ID = 1 << 3,
    HAS_SENDER = 1 << 4,
    HAS_TIMESTAMP = 1 << 5,
    HAS_METADATA = 1 << 6,
} member_t;

typedef struct {
    const char *at, *end;
    unsigned seen;
    bool is_envelope;
    frame_view_t *view;
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

#define TAKE(scan, literal) take(scan, literal, sizeof literal - 1)

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
    if (!TAKE(scan, "\""))
        return false;
    size_t left = (size_t)(scan->end - scan->at), plain = text_plain_length(scan->at, left);
    const char *quote = scan->at + plain;
    if (plain == left || (*quote != '"' && (quote = memchr(quote, '"', left - plain)) == NULL))
        return false;
    *value = (span_t){scan->at, (size_t)(quote - scan->at)};
    scan->at = quote + 1;
    return value->length == plain || needs_no_escape(value->data, value->length);
}

static bool take_type(scan_t *scan)
{
    bool is_got = TAKE(scan, "\"got\"");
    scan->view->type = is_got ? FRAME_GOT : FRAME_MESSAGE;
    return is_got || TAKE(scan, "\"chat\"");
}

static bool begin(scan_t *scan, member_t member)
{
    bool twice = scan->seen & member;
    scan->seen |= member;
    skip_spaces(scan);
    return !twice;
}

static bool take_destination(scan_t *scan)
{
    bool is_named = scan->is_envelope ? TAKE(scan, "\"recipient\":") : TAKE(scan, "\"destination\":");
    return is_named && begin(scan, HAS_DESTINATION) && take_string(scan, &scan->view->destination);
}

/* Names have their quotes and the colon as every writer puts them. */
static bool take_member(scan_t *scan)
{
    frame_view_t *view = scan->view;
    span_t ignored;

    switch (scan->end - scan->at > 1 ? scan->at[1] : '\0') {
    case 't':
        if (TAKE(scan, "\"type\":"))
            return begin(scan, HAS_TYPE) && take_type(scan);
        return TAKE(scan, "\"timestamp\":") && begin(scan, HAS_TIMESTAMP) && take_string(scan, &ignored);
    case 'd':
    case 'r':
        return take_destination(scan);
    case 'm':
        if (TAKE(scan, "\"message\":"))
            return begin(scan, HAS_TEXT) && take_string(scan, &view->text);
        return TAKE(scan, "\"metadata\":") && begin(scan, HAS_METADATA) && TAKE(scan, "{}");
    case 'i':
        return TAKE(scan, "\"id\":") && begin(scan, HAS_ID) && take_string(scan, &view->id) &&
               id_is_valid(view->id.data, view->id.length);
    case 's':
        return TAKE(scan, "\"sender\":") && begin(scan, HAS_SENDER) && take_string(scan, &view->sender);
    default:
        return false;
    }
}

static bool take_members(scan_t *scan)
{
    if (!TAKE(scan, "{"))
        return false;
    do {
        skip_spaces(scan);
        if (!take_member(scan))
            return false;
    } while (TAKE(scan, ","));
    return TAKE(scan, "}") && scan->at == scan->end;
}

static bool is_whole(const scan_t *scan, size_t max_message_bytes)
{
    const frame_view_t *view = scan->view;

    if (scan->is_envelope && !(scan->seen & HAS_TYPE))
        return false;
    if (view->type == FRAME_GOT)
        return scan->seen & HAS_ID && view->sender.length > 0;
    return scan->seen & HAS_DESTINATION && view->text.length > 0 && view->text.length <= max_message_bytes;
}

static bool scan_frame(scan_t *scan, size_t max_message_bytes, frame_view_t *out)
{
    frame_view_t view = {.type = FRAME_MESSAGE};

    scan->view = &view;
    if (!take_members(scan) || !is_whole(scan, max_message_bytes))
        return false;
    *out = view;
    return true;
}

bool frame_scan(const char *line, size_t length, size_t max_message_bytes, frame_view_t *out)
{
    scan_t scan = {.at = line, .end = line + length};
    return scan_frame(&scan, max_message_bytes, out);
}

bool frame_scan_envelope(const char *text, size_t length, size_t max_message_bytes, frame_view_t *out)
{
    scan_t scan = {.at = text, .end = text + length, .is_envelope = true};
    return scan_frame(&scan, max_message_bytes, out);
}
