/* What does not fit in a request, in the form of the original's framework (status 422):
 *   {"detail":[{"loc":["body","message"],"msg":"Field required","type":"missing"}]} */
#ifndef P2P_DETAILS_H
#define P2P_DETAILS_H
#include "../common/buffer.h"
#include <stdbool.h>
#include <stddef.h>

enum { DETAILS_MAX = 32 }; /* further ones are counted, but not told */

typedef struct {
    buffer_t json; /* the array's items */
    size_t count;
    bool no_memory; /* set it when there was none to read the request: nothing is known to be wrong with it */
} details_t;

void details_init(details_t *details);
void details_free(details_t *details);

/* `place` is the printf format of loc's items as JSON, e.g. "\"body\",\"messages\",%zu": only names and numbers
 * of ours, nothing that a peer wrote. */
void details_add(details_t *details, const char *type, const char *text, const char *place, ...)
    __attribute__((format(printf, 4, 5)));

/* Appends the whole answer. NO_MEMORY when there was none on the way: then there is no such answer. */
err_t details_append(const details_t *details, buffer_t *out);

#endif
