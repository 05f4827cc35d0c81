#include "text.h"
#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The length of the UTF-8 character at text and its code point; 0 when it is broken (also overlong forms,
 * surrogates, beyond U+10FFFF, cut off). Table 3-7 of the Unicode Standard. */
static size_t decode(const unsigned char *text, size_t length, uint32_t *point)
{
    unsigned char first = text[0];
    if (first < 0x80) {
        *point = first;
        return 1;
    }
    size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size > length)
        return 0;
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high)
        return 0;
    uint32_t value = (first & (0xFFU >> (size + 1))) << 6 | (text[1] & 0x3FU);
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3FU);
    }
    *point = value;
    return size;
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0);
}

/* How many bytes at text are printable ASCII, looked at eight at a time. */
static size_t skip_printable_ascii(const unsigned char *text, size_t length)
{
    const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    size_t i = 0;
    while (i + 8 <= length) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        /* With bit 7 clear everywhere, adding 0x60 sets it in bytes from 0x20 on, adding 1 sets it in DEL. */
        if ((word & high) != 0 || ((word + ones * 0x60) & high) != high || ((word + ones) & high) != 0)
            break;
        i += 8;
    }
    while (i < length && text[i] >= 0x20 && text[i] < 0x7F)
        i++;
    return i;
}

static bool is_plain_byte(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* The eight bytes, the first one lowest, with bit 7 set in those that are not plain. What a byte carries to, or borrows
 * from, its neighbour above makes that one wrong only behind one that is not plain: the lowest is right. */
static inline uint64_t not_plain(uint64_t word)
{
    const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    uint64_t control = ~(word + ones * 0x60), del = word + ones;
    uint64_t quote = (word ^ ones * '"') - ones, backslash = (word ^ ones * '\\') - ones;

    return (word | control | del | quote | backslash) & high;
}

static inline uint64_t load(const char *text)
{
    uint64_t word;

    memcpy(&word, text, 8);
    return le64toh(word);
}

#ifdef __SSE2__
/* The same of sixteen: a bit each. What is below a space as a signed byte is a control character or beyond ASCII. */
static inline unsigned not_plain_16(const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)text);
    __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
            del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F));
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, del), _mm_or_si128(quote, backslash)));
}
#endif

size_t text_plain_length(const char *text, size_t length)
{
    size_t i = 0;
    uint64_t found;

#ifdef __SSE2__
    for (; i + 16 <= length; i += 16) {
        unsigned bits = not_plain_16(text + i);
        if (bits != 0)
            return i + (size_t)__builtin_ctz(bits);
    }
#endif

    for (; i + 8 <= length; i += 8) {
        found = not_plain(load(text + i));
        if (found != 0)
            return i + (size_t)__builtin_ctzll(found) / 8;
    }
    if (i == length)
        return length;
    if (length >= 8) { /* the zeros that come in from above are not plain either */
        found = not_plain(load(text + length - 8) >> 8 * (8 - (length - i)));
        return i + (size_t)__builtin_ctzll(found) / 8;
    }
    while (i < length && is_plain_byte((unsigned char)text[i]))
        i++;
    return i;
}

/* Is it UTF-8 of nothing but printable ASCII and what `takes` answers true for? */
static bool consists_of(const char *text, size_t length, bool (*takes)(uint32_t point))
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i = 0;
    while (i < length) {
        i += skip_printable_ascii(bytes + i, length - i);
        if (i == length)
            break;
        uint32_t point;
        size_t size = decode(bytes + i, length - i, &point);
        if (size == 0 || !takes(point))
            return false;
        i += size;
    }
    return true;
}

static bool is_of_message(uint32_t point)
{
    return !is_control(point) || point == '\t' || point == '\n';
}

bool text_is_message(const char *text, size_t length)
{
    return consists_of(text, length, is_of_message);
}

static bool is_not_nul(uint32_t point)
{
    return point != 0;
}

bool text_is_utf8(const char *text, size_t length)
{
    return consists_of(text, length, is_not_nul);
}

/* Separators that some programs take for a line end, and the characters that turn the direction of writing. */
static bool is_invisible_trick(uint32_t point)
{
    return point == 0x061C || point == 0x200E || point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

static err_t append_visible(buffer_t *out, uint32_t point)
{
    return buffer_appendf(out, point < 0x100 ? "\\x%02X" : "\\u{%04X}", point);
}

err_t text_append_printable(buffer_t *out, const char *text, size_t length, bool keep_tab)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t before = out->length, i = 0, clean = 0; /* what lies between clean and i goes out as it is */
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        uint32_t point;
        i += skip_printable_ascii(bytes + i, length - i);
        if (i == length)
            break;
        size_t size = decode(bytes + i, length - i, &point);
        bool visible =
            size > 0 && !is_invisible_trick(point) && (!is_control(point) || (point == '\t' && keep_tab));
        if (visible) {
            i += size;
            continue;
        }
        err = buffer_append(out, text + clean, i - clean);
        if (err == ERR_OK)
            err = size == 0 ? buffer_append_text(out, "\xEF\xBF\xBD") : append_visible(out, point);
        i += size == 0 ? 1 : size;
        clean = i;
    }
    if (err == ERR_OK)
        err = buffer_append(out, text + clean, length - clean);
    if (err != ERR_OK && out->data != NULL) {
        out->length = before;
        out->data[before] = '\0';
    }
    return err;
}

void text_trim(const char **text, size_t *length)
{
    const char *start = *text, *end = *text + *length;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *text = start;
    *length = (size_t)(end - start);
}

/* The time depends on the length of what the peer sent alone: the secret is read round and round. */
bool text_equal_secret(const char *a, const char *b)
{
    size_t length = strlen(a), secret_length = strlen(b);
    volatile unsigned char difference = length != secret_length;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(a[i] ^ b[secret_length > 0 ? i % secret_length : 0]);
    return difference == 0;
}

bool text_is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

size_t text_cut(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    size_t cut = limit;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}

bool text_next_item(const char **list, const char **item, size_t *length)
{
    while (**list != '\0') {
        *item = *list;
        *length = strcspn(*list, ",");
        *list += *length + ((*list)[*length] == ',' ? 1 : 0);
        text_trim(item, length);
        if (*length > 0)
            return true;
    }
    return false;
}
