/* Finds the route of a request in a table. Pure.
 *
 * A pattern is a fixed path, or one that ends in a {parameter}, which stands for one segment that is not empty.
 * One slash at the end of a request's path is as good as none. */
#ifndef P2P_ROUTER_H
#define P2P_ROUTER_H
#include <stdbool.h>
#include <stddef.h>

struct http_call;
typedef void (*route_handler_t)(struct http_call *call);

typedef enum {
    ROUTE_NO_BODY,
    ROUTE_BODY,  /* JSON with one message or less */
    ROUTE_BATCH, /* JSON with up to a whole batch of messages */
} route_body_t;

typedef struct {
    const char *method;  /* "GET" */
    const char *pattern; /* "/messages/{username}" */
    route_handler_t handler;
    route_body_t body;
    bool needs_token;
} route_t;

typedef enum { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD } route_status_t;

enum { ROUTE_ALLOW_SIZE = 64 };

typedef struct {
    const route_t *route;         /* when FOUND */
    const char *parameter;        /* leads into the path, still percent-encoded; NULL = none */
    size_t parameter_length;      /* bytes */
    char allow[ROUTE_ALLOW_SIZE]; /* when NO_METHOD: the methods that the path has, "GET, POST" */
} route_match_t;

/* path: as the client sent it, without the query. */
route_status_t route_find(const route_t *table, size_t count, const char *method, const char *path,
                          route_match_t *match);

#endif
