/* What a database holds is not taken on trust: somebody else may have written it, or an older version. These make it
 * fit, so that one bad message doesn't spoil the answer for those beside it. Pure. */
#ifndef P2P_STORED_FIELDS_H
#define P2P_STORED_FIELDS_H
#include "../common/message.h"

/* Appends the text as our readers may get it: at most max_message_bytes, and nothing in it that could do something to a
 * terminal. */
void stored_text(const char *text, size_t length, size_t max_message_bytes, buffer_t *out);
/* Sets the message's metadata; false, and nothing is set, when the text is no object of at most MESSAGE_MAX_METADATA. */
bool stored_metadata(const char *json, size_t length, message_t *out);

#endif
