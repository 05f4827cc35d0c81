/* What a session speaks: nothing yet (login.c), text (text_protocol.c) or JSON (json_protocol.c). */
#ifndef P2P_SERVER_PROTOCOL_H
#define P2P_SERVER_PROTOCOL_H
#include "../common/frame.h"
#include "delivery.h"

typedef struct session session_t;

/* None may be NULL. The calls behind on_line_too_long come only when logged in, but for say_end. */
typedef struct {
    /* A line without its end, writable. whole: it had an end (else silence or the end of the stream). */
    void (*on_line)(session_t *session, char *line, size_t length, bool whole);
    void (*on_line_too_long)(session_t *session);
    /* Are messages of this type handed over as they come? Others wait for a check. */
    bool (*shows)(message_type_t type);
    /* stored: it had waited. The message need not be the delivery's own, whose text may be gone. */
    void (*deliver)(session_t *session, delivery_t *delivery, const message_t *message, bool stored);
    /* A message to everyone: not tracked, no got. */
    void (*broadcast)(session_t *session, const message_t *message);
    /* What became of a message that this user sent; why only for rejected. */
    void (*on_receipt)(session_t *session, const delivery_t *delivery, receipt_status_t status, err_t why);
    /* A check has ended: so many messages had waited, or why the store could not be asked. */
    void (*on_checked)(session_t *session, size_t count, err_t why);
    /* The last word of a session that the server ends. */
    void (*say_end)(session_t *session, err_t why);
} protocol_t;

extern const protocol_t login_protocol;
extern const protocol_t text_protocol;
extern const protocol_t json_protocol;

#endif
