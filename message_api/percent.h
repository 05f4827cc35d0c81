/* Percent-encoding of URLs (RFC 3986, section 2.1). Pure. */
#ifndef P2P_PERCENT_H
#define P2P_PERCENT_H
#include <stdbool.h>
#include <stddef.h>

/* Decodes into out, which has room for length + 1 bytes, with a NUL behind it. Returns false for a broken escape
 * and for %00. */
bool percent_decode(const char *text, size_t length, char *out, size_t *out_length);

#endif
