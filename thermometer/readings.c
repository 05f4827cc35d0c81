#include "readings.h"
#include <string.h>

void readings_reset(readings_t *readings)
{
    memset(readings, 0, sizeof(*readings));
}

void readings_add(readings_t *readings, const reading_t *reading)
{
    if (readings->count == 0) {
        readings->minimum = readings->maximum = reading->celsius;
        readings->since_us = reading->time_us;
    }
    if (reading->celsius < readings->minimum)
        readings->minimum = reading->celsius;
    if (reading->celsius > readings->maximum)
        readings->maximum = reading->celsius;
    readings->sum += reading->celsius;
    readings->last[readings->count++ % READINGS_KEPT] = *reading;
}

double readings_mean(const readings_t *readings)
{
    return readings->count == 0 ? 0 : readings->sum / (double)readings->count;
}

size_t readings_kept(const readings_t *readings)
{
    return readings->count < READINGS_KEPT ? (size_t)readings->count : READINGS_KEPT;
}

const reading_t *readings_at(const readings_t *readings, size_t index)
{
    return &readings->last[(readings->count - readings_kept(readings) + index) % READINGS_KEPT];
}

const reading_t *readings_newest(const readings_t *readings)
{
    return readings->count == 0 ? NULL : &readings->last[(readings->count - 1) % READINGS_KEPT];
}
