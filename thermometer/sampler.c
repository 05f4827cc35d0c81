#include "sampler.h"
#include "common/timestamp.h"
#include "room.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char CLASS_FOLDER[] = "/sys/class";

err_t sampler_init(sampler_t *sampler, uv_loop_t *loop, const char *choice, uint64_t seed,
                   sampler_cb on_reading, void *context)
{
    double celsius;

    memset(sampler, 0, sizeof(*sampler));
    sampler->loop = loop;
    sampler->seed = seed;
    sampler->on_reading = on_reading;
    sampler->context = context;
    sampler->work.data = sampler;
    if (strcmp(choice, "simulated") == 0) {
        sampler->may_simulate = true;
    } else if (strcmp(choice, "auto") == 0) {
        sampler->has_sensor = sensor_find(CLASS_FOLDER, &sampler->sensor);
        sampler->may_simulate = true;
    } else {
        if (sensor_at(choice, &sampler->sensor) != ERR_OK || sensor_read(choice, &celsius) != ERR_OK)
            return ERR_INVALID_SETTING;
        sampler->has_sensor = true;
    }
    return ERR_OK;
}

static double simulate(uint64_t seed, int64_t now_us)
{
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm local;
    int64_t offset_s = localtime_r(&seconds, &local) ? local.tm_gmtoff : 0;

    return room_temperature(seed, now_us + offset_s * 1000000);
}

static void work(uv_work_t *request)
{
    sampler_t *sampler = request->data;
    reading_t *reading = &sampler->reading;

    reading->time_us = timestamp_now();
    sampler->succeeded =
        sampler->has_sensor && sensor_read(sampler->sensor.path, &reading->celsius) == ERR_OK;
    if (sampler->succeeded) {
        snprintf(reading->source, sizeof(reading->source), "sensor %s", sampler->sensor.name);
    } else if (sampler->may_simulate) {
        reading->celsius = simulate(sampler->seed, reading->time_us);
        snprintf(reading->source, sizeof(reading->source), "simulated room");
        sampler->succeeded = true;
    }
}

static void after_work(uv_work_t *request, int status)
{
    sampler_t *sampler = request->data;

    sampler->busy = false;
    if (!sampler->closing)
        sampler->on_reading(sampler->context, status == 0 && sampler->succeeded ? &sampler->reading : NULL);
}

void sampler_take(sampler_t *sampler)
{
    if (sampler->busy || sampler->closing)
        return;
    sampler->busy = uv_queue_work(sampler->loop, &sampler->work, work, after_work) == 0;
}

void sampler_close(sampler_t *sampler)
{
    sampler->closing = true;
}
