/* Takes readings: from a sensor on a worker thread, or from the simulated room. */
#ifndef P2P_SAMPLER_H
#define P2P_SAMPLER_H
#include "readings.h"
#include "sensor.h"
#include <uv.h>

/* NULL: the sensor gives nothing now. */
typedef void (*sampler_cb)(void *context, const reading_t *reading);

typedef struct {
    uv_loop_t *loop;
    uv_work_t work;
    sampler_cb on_reading;
    void *context;
    uint64_t seed;
    sensor_t sensor;
    bool has_sensor, may_simulate;
    bool busy, closing, succeeded;
    reading_t reading; /* the worker's while busy */
} sampler_t;

/* choice: "auto" (a sensor of the machine, and the room when there is none or when it fails), "simulated", or
 * the path of a sensor's file. ERR_INVALID_SETTING: that file gives no temperature. */
err_t sampler_init(sampler_t *sampler, uv_loop_t *loop, const char *choice, uint64_t seed,
                   sampler_cb on_reading, void *context);
/* on_reading follows. While one is under way nothing new begins. */
void sampler_take(sampler_t *sampler);
/* No on_reading any more; what is under way ends by itself, before the loop does. */
void sampler_close(sampler_t *sampler);

#endif
