/* A room that does not exist: what the thermometer shows where there is no sensor. Pure: the same seed and time
 * give the same temperature, so a restart makes no jump. */
#ifndef P2P_ROOM_H
#define P2P_ROOM_H
#include <stdint.h>

#define ROOM_LOWEST  17.0 /* degrees Celsius; it never leaves these bounds */
#define ROOM_HIGHEST 25.0

/* local_us: microseconds since 1970 in local time, for the course of the day. Degrees Celsius. */
double room_temperature(uint64_t seed, int64_t local_us);

#endif
