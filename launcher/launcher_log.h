/* logs/launcher.log: what the launcher did to whom, one event a line. */
#ifndef P2P_LAUNCHER_LOG_H
#define P2P_LAUNCHER_LOG_H
#include "../common/log.h"
#include "log_file.h"

typedef struct {
    log_file_t file;
    log_t log;
} launcher_log_t;

void launcher_log_open(launcher_log_t *log, int folder);
void launcher_log_close(launcher_log_t *log);
/* For log_info and its like, one event a call: turns to a new file when the old one is full. */
const log_t *launcher_log(launcher_log_t *log);

#endif
