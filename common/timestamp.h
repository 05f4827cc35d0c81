/* Times: microseconds since 1970 UTC, and the suite's text form 2026-11-22T17:01:39.123456+00:00 (32
 * characters). */
#ifndef P2P_TIMESTAMP_H
#define P2P_TIMESTAMP_H
#include "error.h"
#include <stddef.h>
#include <stdint.h>

enum { TIMESTAMP_SIZE = 33 };

int64_t timestamp_now(void);
void timestamp_format(int64_t microseconds, char out[TIMESTAMP_SIZE]);
/* Now, formatted and returned; the date part is cached by second (per thread). */
int64_t timestamp_format_now(char out[TIMESTAMP_SIZE]);
/* ISO 8601 date and time, 0–9 digits of fraction, 'Z' or ±HH:MM, or none (the original wrote UTC without
 * offset). */
err_t timestamp_parse(const char *text, int64_t *microseconds);

#endif
