/* Logging: one event a line on stderr:
 *   2026-11-22T17:01:39.123456+00:00 info server session_closed user="alice" reason=too_slow
 * Values are escaped so that no peer can forge a line (text_append_printable, quotes and backslash escaped).
 */
#ifndef P2P_LOG_H
#define P2P_LOG_H
#include <stdbool.h>
#include <stddef.h>

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } log_level_t;

typedef struct {
    const char *component; /* not owned */
    log_level_t level;
    int descriptor; /* 2 */
} log_t;

void log_init(log_t *log, const char *component, log_level_t level);
bool log_level_parse(const char *name, log_level_t *level);
/* fields: printf format of key=value pairs; every %s in it is quoted and escaped (so write user=%s), NULL
 * prints as "". Supports %s %d %u %ld %lu %lld %llu %zu %f %.Nf %%. A line is at most 4 KiB; longer ones are
 * cut. */
void log_event(const log_t *log, log_level_t level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 4, 5)));

#define log_debug(log, event, ...)   log_event((log), LOG_DEBUG, (event), __VA_ARGS__)
#define log_info(log, event, ...)    log_event((log), LOG_INFO, (event), __VA_ARGS__)
#define log_warning(log, event, ...) log_event((log), LOG_WARNING, (event), __VA_ARGS__)
#define log_error(log, event, ...)   log_event((log), LOG_ERROR, (event), __VA_ARGS__)

#endif
