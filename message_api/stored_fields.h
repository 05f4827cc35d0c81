/* What a database holds is not taken on trust: somebody else may have written it, or an older version. These make it
 * fit, so that one bad message doesn't spoil the answer for those beside it. Without memory for
 * one the program ends. */
#ifndef P2P_STORED_FIELDS_H
#define P2P_STORED_FIELDS_H
#include "../common/message.h"

/* message_make with the text as our readers may get it: at most max_message_bytes, and nothing in it that could do
 * something to a terminal. */
void stored_make(message_t *out, const char *sender, const char *destination, const char *text, size_t length,
                 size_t max_message_bytes, message_type_t type);
/* Sets the message's metadata; false, and nothing is set, when the text is no object of at most MESSAGE_MAX_METADATA. */
bool stored_metadata(const char *json, size_t length, message_t *out);

#endif
