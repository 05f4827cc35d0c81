/* What the handlers of all routes share, and the routes. */
#ifndef P2P_API_H
#define P2P_API_H
#include "http_call.h"
#include "store.h"

typedef struct {
    store_t *store;
    size_t max_message_bytes;
    char *openapi; /* the description, ready to be sent */
    size_t openapi_length;
} api_t;

extern const route_t api_routes[];
extern const size_t api_route_count;

/* routes_original.c: what the clients of the original program call */
void route_post_message(http_call_t *call);
void route_get_messages(http_call_t *call);

/* routes_v1.c: the suite's own calls */
void route_put_batch(http_call_t *call);
void route_claim(http_call_t *call);
void route_read_mailbox(http_call_t *call);
void route_acknowledge(http_call_t *call);
void route_receive(http_call_t *call);

/* routes_about.c */
void route_health(http_call_t *call);
void route_openapi(http_call_t *call);

/* The request's body as JSON; NULL when it isn't any: the call is answered then. Free with cJSON_Delete. */
cJSON *api_body(http_call_t *call);

#endif
