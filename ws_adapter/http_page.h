/* The HTTP side: the page's files, /health, and who may open a WebSocket. GET and HEAD alone:
 * libwebsockets 4.1 can be brought into an endless loop by pipelined requests with bodies, so what has one
 * is refused and the connection closed. Functions that answer return what the library's callback is to
 * return: 0 to go on, -1 to close. */
#ifndef P2P_WS_HTTP_PAGE_H
#define P2P_WS_HTTP_PAGE_H
#include "config.h"
#include "static_files.h"
#include <libwebsockets.h>

typedef struct http_page http_page_t;

/* The answer that a connection is being sent. */
typedef struct {
    static_file_t *file; /* NULL = none */
    size_t sent;         /* bytes of its content */
} page_reply_t;

/* config: not owned. port: on which we listen. */
http_page_t *http_page_new(const config_t *config, int port);
void http_page_free(http_page_t *page);

/* Before anything is done for a request: its method, its body, its Host. */
int http_page_filter(http_page_t *page, struct lws *wsi);
int http_page_serve(http_page_t *page, struct lws *wsi, page_reply_t *reply);
int http_page_write(struct lws *wsi, page_reply_t *reply);
void http_page_release(page_reply_t *reply);
/* A request to become a WebSocket: Host, Origin, path. */
int http_page_upgrade(http_page_t *page, struct lws *wsi);

#endif
