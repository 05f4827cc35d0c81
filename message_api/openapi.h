/* The API's description (openapi.json beside this file, built in). */
#ifndef P2P_OPENAPI_H
#define P2P_OPENAPI_H
#include "../common/buffer.h"
#include <stdint.h>

/* Appends it, with the program's version and this limit put in. */
err_t openapi_append(buffer_t *out, int64_t max_message_bytes);

#endif
