/* The lines that a text session prints of a message (section 3 of the design). Pure. Every line of a message
 * has its own prefix and nothing in it can end a line or move a terminal's cursor: so nobody's text can look
 * like somebody else's line. */
#ifndef P2P_SERVER_TEXT_FORMAT_H
#define P2P_SERVER_TEXT_FORMAT_H
#include "../common/message.h"

/* `[alice][timestamp] hello`, or, stored, `[Stored] [CHAT][timestamp][alice] hello Metadata: {…}`. */
err_t text_format_message(buffer_t *out, const message_t *message, bool stored);
/* The first form, of what a message_t would hold. */
err_t text_format_live(buffer_t *out, const char *sender, const char *timestamp, const char *text,
                       size_t length);
/* `alice, bob (+8 more)\n`: `count` names of `online`. */
void text_format_names(buffer_t *out, const char *const *names, size_t count, size_t online);
/* `bob: hello` into its parts, without the space around them. False when it has none of this form. */
bool text_format_split(const char *line, size_t length, const char **name, size_t *name_length,
                       const char **text, size_t *text_length);

#endif
