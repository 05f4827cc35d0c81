/* The service: logs in, takes readings, serves commands and subscribers. */
#ifndef P2P_THERMOMETER_H
#define P2P_THERMOMETER_H
#include "config.h"

/* Until a signal or a refused login ends it; returns the exit status. config lives longer. */
int thermometer_run(const config_t *config);

#endif
