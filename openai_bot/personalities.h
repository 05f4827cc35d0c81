/* The voices that the assistant can speak in: one table, from which help and commands are made. Pure. */
#ifndef P2P_PERSONALITIES_H
#define P2P_PERSONALITIES_H
#include <stddef.h>

typedef struct {
    const char *name;
    const char *summary;      /* for the help */
    const char *greeting;     /* said when somebody switches to it */
    const char *instructions; /* the system message for the model */
} personality_t;

size_t personalities_count(void);
const personality_t *personalities_at(size_t index);
/* In any case; NULL when there is none of that name. */
const personality_t *personalities_find(const char *name, size_t length);
/* The next one in the table, the first after the last. */
const personality_t *personalities_after(const personality_t *personality);

#endif
