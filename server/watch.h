/* The one timer of all sessions: those that wait for a time (login, silence, tokens, TCP, hints, closing) are
 * looked at every LIMIT_TICK milliseconds; with none of them the timer rests. */
#ifndef P2P_SERVER_WATCH_H
#define P2P_SERVER_WATCH_H
#include <stdbool.h>
#include <uv.h>

typedef struct session session_t;
typedef struct watch watch_t;
/* True to be called again. */
typedef bool (*watch_cb)(session_t *session, uint64_t now_ms);

watch_t *watch_new(uv_loop_t *loop, watch_cb on_tick);
/* Frees itself when its handle is closed. */
void watch_free(watch_t *watch);
void watch_add(watch_t *watch, session_t *session);
void watch_remove(watch_t *watch, session_t *session);

#endif
