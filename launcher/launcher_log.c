#include "launcher_log.h"

void launcher_log_open(launcher_log_t *log, int folder)
{
    log_init(&log->log, "launcher", LOG_INFO);
    log_file_open(&log->file, folder, "launcher.log", LOG_FILE_LIMIT);
}

void launcher_log_close(launcher_log_t *log)
{
    log_file_close(&log->file);
}

const log_t *launcher_log(launcher_log_t *log)
{
    log->log.descriptor = log_file_descriptor(&log->file);
    return &log->log;
}
