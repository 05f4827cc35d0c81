/* libcurl's multi interface on a libuv loop: its sockets and its timer. Used by http_client.c alone. */
#ifndef P2P_CURL_LOOP_H
#define P2P_CURL_LOOP_H
#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

typedef struct curl_loop curl_loop_t;

typedef struct {
    /* libcurl has been left: what its callbacks may not do can be done now. Comes before on_done. */
    void (*on_left)(void *context);
    /* The transfer has ended; the handle is still in. Any call is allowed, also curl_loop_free. */
    void (*on_done)(void *context, CURL *easy, CURLcode result);
    void (*on_closed)(void *context); /* after curl_loop_free: no handle is left */
} curl_loop_events_t;                 /* none may be NULL; lives as long as the loop */

/* connections: at most for each host, at once and kept alive. */
curl_loop_t *curl_loop_new(uv_loop_t *loop, int connections, const curl_loop_events_t *events, void *context);
/* Not inside libcurl, and with no transfer left in it. Frees itself when its handles are closed. */
void curl_loop_free(curl_loop_t *curl);
void curl_loop_add(curl_loop_t *curl, CURL *easy);
void curl_loop_remove(curl_loop_t *curl, CURL *easy);
/* True within libcurl's callbacks, where nothing of libcurl may be called. */
bool curl_loop_is_inside(const curl_loop_t *curl);

#endif
