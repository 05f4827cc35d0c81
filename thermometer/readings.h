/* What the thermometer has read since it started or was rebooted: figures of all readings, and the last of them.
 * Pure. */
#ifndef P2P_READINGS_H
#define P2P_READINGS_H
#include <stddef.h>
#include <stdint.h>

enum { READINGS_KEPT = 100, READING_SOURCE_SIZE = 64 };

typedef struct {
    double celsius;
    int64_t time_us;                  /* since 1970, UTC */
    char source[READING_SOURCE_SIZE]; /* "simulated room", "sensor coretemp" */
} reading_t;

typedef struct {
    reading_t last[READINGS_KEPT]; /* a ring */
    uint64_t count;                /* of all; the newest is last[(count - 1) % READINGS_KEPT] */
    double minimum, maximum, sum;  /* of all, degrees Celsius; only with count > 0 */
    int64_t since_us;              /* when the first of all was taken */
} readings_t;

/* Begins anew. */
void readings_reset(readings_t *readings);
void readings_add(readings_t *readings, const reading_t *reading);
double readings_mean(const readings_t *readings); /* 0 when there is none */
/* How many are kept, and the index-th of them, 0 = the oldest. */
size_t readings_kept(const readings_t *readings);
const reading_t *readings_at(const readings_t *readings, size_t index);
/* The newest, NULL when there is none. */
const reading_t *readings_newest(const readings_t *readings);

#endif
