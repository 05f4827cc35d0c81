#include "room.h"
#include <math.h>
#include <stddef.h>

#define DAY_S     86400.0
#define WARMEST_S (16 * 3600.0) /* at four in the afternoon */

static const double MEAN = 21.0, DAILY = 2.0;

/* Sun and wind, people and windows, a draught: each wanders within ± its amplitude, and has another value after
 * its period. The amplitudes and DAILY together stay within the bounds. */
static const struct {
    double period_s, amplitude;
} WANDERING[] = {{3 * 3600.0, 1.0}, {15 * 60.0, 0.5}, {60.0, 0.3}, {8.0, 0.15}};

/* SplitMix64's finaliser: -1 to 1 for any number. */
static double random_at(uint64_t seed, uint64_t layer, int64_t step)
{
    uint64_t x = seed + (layer + 1) * 0x9e3779b97f4a7c15u + (uint64_t)step * 0xd1342543de82ef95u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return (double)(x >> 11) / (double)(UINT64_C(1) << 52) - 1.0;
}

/* From one random value to the next along a curve that is level at both. */
static double wander(uint64_t seed, uint64_t layer, double seconds, double period_s)
{
    double step = floor(seconds / period_s);
    double part = seconds / period_s - step;
    double from = random_at(seed, layer, (int64_t)step), to = random_at(seed, layer, (int64_t)step + 1);

    return from + (to - from) * part * part * (3 - 2 * part);
}

double room_temperature(uint64_t seed, int64_t local_us)
{
    double seconds = (double)local_us / 1e6;
    double celsius = MEAN + DAILY * cos((seconds - WARMEST_S) / DAY_S * 2 * M_PI);

    for (size_t i = 0; i < sizeof(WANDERING) / sizeof(WANDERING[0]); i++)
        celsius += WANDERING[i].amplitude * wander(seed, i, seconds, WANDERING[i].period_s);
    return celsius;
}
