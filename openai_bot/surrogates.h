/* Characters beyond U+FFFF are written as two halves in JSON escapes. Some servers cut their text between the two,
 * which leaves each piece no valid JSON text. Pure. */
#ifndef P2P_SURROGATES_H
#define P2P_SURROGATES_H
#include "common/buffer.h"

/* Appends the JSON text to out; a first half without its second is kept in *half (0 = none) and put before the next
 * second half that comes alone, in this text or a later one. A second half without a first becomes U+FFFD. */
err_t surrogates_mend(buffer_t *out, const char *json, size_t length, unsigned *half);

#endif
