/* What the person or the script at the other end is shown. Three kinds: a terminal, plain lines, JSON lines.
 * A view only appends whole lines to its two buffers; whoever owns it empties them into the outputs. Nothing
 * that a peer or the server sent gets through unescaped. */
#ifndef P2P_CLIENT_VIEW_H
#define P2P_CLIENT_VIEW_H
#include "common/frame.h"
#include "roster.h"
#include "sent.h"

typedef struct view view_t;

typedef struct {
    void (*login)(view_t *view, const frame_t *login_success, const roster_t *roster, bool again);
    /* retrying: the connection is tried again by itself. */
    void (*offline)(view_t *view, err_t why, bool ever_online, bool retrying);
    void (*message)(view_t *view, const message_t *message, bool stored);
    void (*sent)(view_t *view, const message_t *message, size_t line);
    /* away: the recipient is not online as far as we know. record is NULL when the message is forgotten. */
    void (*receipt)(view_t *view, const char *id, const sent_record_t *record, receipt_status_t status,
                    bool away, const char *code, const char *reason);
    /* Shows the receipts that were held back to be shown together. */
    void (*settle)(view_t *view);
    void (*presence)(view_t *view, const frame_t *presence);
    void (*users)(view_t *view, const frame_t *result);
    void (*checked)(view_t *view, int64_t stored);
    void (*partial)(view_t *view, const char *sender, const char *id, const char *text);
    /* line: the number of the input line that is at fault, 0 = none. */
    void (*problem)(view_t *view, const char *code, const char *text, size_t line);
    /* Our own words, several lines. */
    void (*note)(view_t *view, const char *text);
    void (*end)(view_t *view, int status, size_t unacknowledged);
} view_kind_t; /* NULL members: nothing is shown */

struct view {
    const view_kind_t *kind;
    buffer_t lines;   /* for standard output */
    buffer_t notices; /* for standard error */
    int columns;      /* of the terminal */
    bool colour;
    struct view_terminal *terminal; /* only of that kind */
};

/* columns and colour are the terminal's alone. */
view_t *view_new_terminal(int columns, bool colour);
view_t *view_new_plain(void);
view_t *view_new_json(void);
void view_free(view_t *view);

/* The beginning that all kinds share; view_free calls the other. */
view_t *view_new(const view_kind_t *kind);
void view_terminal_free(struct view_terminal *terminal);
/* "alice, bob (+2 more)", printable; limit: names at most. */
void view_append_names(buffer_t *out, const cJSON *names, int limit);
/* Local time by strftime's format; what is no timestamp becomes now. Returns the length. */
size_t view_local_time(const char *timestamp, const char *format, char *out, size_t size);

#endif
