#include "sensor.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOWEST_MILLIDEGREES = -90000, HIGHEST_MILLIDEGREES = 150000 };

/* Where to look, and which file beside the value tells the sensor's name. The better come first. */
static const struct {
    const char *values, *name_file;
    const char *wanted; /* this name alone; NULL = any */
} PLACES[] = {
    {"hwmon/hwmon*/temp*_input", "name", "coretemp"},
    {"hwmon/hwmon*/temp*_input", "name", "k10temp"},
    {"hwmon/hwmon*/temp*_input", "name", "cpu_thermal"},
    {"thermal/thermal_zone*/temp", "type", "x86_pkg_temp"},
    {"thermal/thermal_zone*/temp", "type", "cpu-thermal"},
    {"hwmon/hwmon*/temp*_input", "name", NULL},
    {"thermal/thermal_zone*/temp", "type", NULL},
};

/* The first line without its end; false when the file can't be read. Not a device and not a pipe: those could
 * hang. */
static bool read_line(const char *path, char *out, size_t size)
{
    struct stat status;
    ssize_t length = -1;

    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
        length = read(descriptor, out, size - 1);
    close(descriptor);
    if (length < 0)
        return false;
    out[length] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return true;
}

err_t sensor_read(const char *path, double *celsius)
{
    char line[32], *end;

    if (!read_line(path, line, sizeof(line)))
        return ERR_IO;
    errno = 0;
    long value = strtol(line, &end, 10);
    if (end == line || *end != '\0' || errno != 0 || value < LOWEST_MILLIDEGREES ||
        value > HIGHEST_MILLIDEGREES)
        return ERR_INVALID_TEXT;
    *celsius = (double)value / 1000;
    return ERR_OK;
}

/* The name goes into messages: whatever a driver or a path says, plain characters alone. */
static void set_name(sensor_t *sensor, const char *name)
{
    size_t length = 0;

    for (; *name && length < sizeof(sensor->name) - 1; name++)
        sensor->name[length++] = *name >= ' ' && *name <= '~' && *name != '"' && *name != '\\' ? *name : '_';
    sensor->name[length] = '\0';
}

err_t sensor_at(const char *path, sensor_t *out)
{
    const char *slash = strrchr(path, '/');

    if (strlen(path) >= sizeof(out->path))
        return ERR_TOO_LONG;
    memcpy(out->path, path, strlen(path) + 1);
    set_name(out, slash && slash[1] ? slash + 1 : path);
    return ERR_OK;
}

static bool name_beside(const char *path, const char *name_file, char *name, size_t size)
{
    char beside[SENSOR_PATH_SIZE];
    const char *slash = strrchr(path, '/');

    int length = snprintf(beside, sizeof(beside), "%.*s/%s", (int)(slash - path), path, name_file);
    return length > 0 && (size_t)length < sizeof(beside) && read_line(beside, name, size) && name[0];
}

static bool try_place(size_t place, const char *path, sensor_t *out)
{
    char name[SENSOR_NAME_SIZE] = "unnamed";
    double celsius;

    bool named = name_beside(path, PLACES[place].name_file, name, sizeof(name));
    if (PLACES[place].wanted && (!named || strcmp(name, PLACES[place].wanted) != 0))
        return false;
    if (sensor_read(path, &celsius) != ERR_OK || sensor_at(path, out) != ERR_OK)
        return false;
    set_name(out, name);
    return true;
}

bool sensor_find(const char *class_folder, sensor_t *out)
{
    bool found = false;

    for (size_t place = 0; !found && place < sizeof(PLACES) / sizeof(PLACES[0]); place++) {
        char pattern[SENSOR_PATH_SIZE];
        glob_t files;
        int length = snprintf(pattern, sizeof(pattern), "%s/%s", class_folder, PLACES[place].values);

        if (length < 0 || (size_t)length >= sizeof(pattern) || glob(pattern, 0, NULL, &files) != 0)
            continue;
        for (size_t i = 0; !found && i < files.gl_pathc; i++)
            found = try_place(place, files.gl_pathv[i], out);
        globfree(&files);
    }
    return found;
}
