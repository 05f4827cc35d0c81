/* Temperature sensors of Linux: files of /sys/class that hold thousandths of a degree Celsius. Blocking: some
 * sensors hang on a slow bus, so a running program asks them from a worker thread. */
#ifndef P2P_SENSOR_H
#define P2P_SENSOR_H
#include "common/error.h"
#include <stdbool.h>

enum { SENSOR_PATH_SIZE = 4096, SENSOR_NAME_SIZE = 48 };

typedef struct {
    char path[SENSOR_PATH_SIZE];
    char name[SENSOR_NAME_SIZE]; /* printable ASCII, "coretemp" */
} sensor_t;

/* The first sensor under class_folder ("/sys/class") that gives a plausible value: the processor's own before
 * the board's and the disks'. False when there is none. */
bool sensor_find(const char *class_folder, sensor_t *out);
/* A file named by the user. The name is the path's last part. ERR_TOO_LONG. */
err_t sensor_at(const char *path, sensor_t *out);
/* ERR_IO: no such file, or not a regular one. ERR_INVALID_TEXT: no number, or no plausible temperature. *celsius is
 * untouched on error. */
err_t sensor_read(const char *path, double *celsius);

#endif
