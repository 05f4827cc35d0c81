/* Parts that bodies are made of, for request_reader.c and request_reader_keys.c. `place` is where the part is, as the
 * answer tells it; what does not fit is added to the details. */
#ifndef P2P_REQUEST_PARTS_H
#define P2P_REQUEST_PARTS_H
#include "request_reader.h"

enum { PLACE_SIZE = 96 };

bool request_is_object(const cJSON *item, const char *place, details_t *details);
/* The array member `name` with minimum to maximum items, or NULL. */
const cJSON *request_array_member(const cJSON *object, const char *name, int minimum, int maximum,
                                  const char *place, details_t *details);
/* The string member `name`, or NULL. */
const char *request_string_member(const cJSON *object, const char *name, const char *place,
                                  details_t *details);
/* The member `name` as a username. */
bool request_read_username(const cJSON *object, const char *name, char out[USERNAME_SIZE], const char *place,
                           details_t *details);

#endif
