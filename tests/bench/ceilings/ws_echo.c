/* p2p-bench-ws-echo: the ceiling of the browser's path. libwebsockets on libuv, sends every message back as it came.
 * Prints `ready port=N`. */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MESSAGE_BYTES = 512 };

typedef struct message {
    struct message *next;
    size_t length;
    unsigned char data[LWS_PRE + MESSAGE_BYTES];
} message_t;

typedef struct {
    message_t *first, **last;
    message_t *coming; /* a message is handed over in pieces */
} echo_t;

static message_t *new_message(void)
{
    message_t *message = malloc(sizeof *message);

    if (!message)
        abort();
    message->next = NULL;
    message->length = 0;
    return message;
}

static void take(echo_t *echo, struct lws *wsi, const void *in, size_t length)
{
    if (!echo->coming)
        echo->coming = new_message();
    message_t *message = echo->coming;
    if (length > MESSAGE_BYTES - message->length)
        abort();
    memcpy(message->data + LWS_PRE + message->length, in, length);
    message->length += length;
    if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi))
        return;
    *echo->last = message;
    echo->last = &message->next;
    echo->coming = NULL;
    lws_callback_on_writable(wsi);
}

/* As many as the socket takes: one write a turn of the loop would be half as fast, and no ceiling. */
static int give(struct lws *wsi, echo_t *echo)
{
    bool dead = false;

    while (echo->first && !dead && !lws_send_pipe_choked(wsi)) {
        message_t *message = echo->first;
        echo->first = message->next;
        if (!echo->first)
            echo->last = &echo->first;
        dead =
            lws_write(wsi, message->data + LWS_PRE, message->length, LWS_WRITE_TEXT) < (int)message->length;
        free(message);
    }
    if (echo->first)
        lws_callback_on_writable(wsi);
    return dead ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    echo_t *echo = user;

    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        echo->first = NULL;
        echo->last = &echo->first;
        echo->coming = NULL;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        take(echo, wsi, in, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return give(wsi, echo);
    default:
        return 0;
    }
}

int main(void)
{
    static const struct lws_protocols lws_protocols[] = {{"echo", on_event, sizeof(echo_t), 4096, 0, NULL, 0},
                                                         {NULL, NULL, 0, 0, 0, NULL, 0}};
    uv_loop_t loop;
    void *loops[] = {&loop};
    struct lws_context_creation_info info;

    uv_loop_init(&loop);
    lws_set_log_level(LLL_ERR, NULL);
    memset(&info, 0, sizeof info);
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = loops;
    struct lws_context *context = lws_create_context(&info);
    if (!context)
        return 1;
    info.port = 0;
    info.iface = "127.0.0.1";
    info.protocols = lws_protocols;
    struct lws_vhost *vhost = lws_create_vhost(context, &info);
    if (!vhost)
        return 1;
    printf("ready port=%d\n", lws_get_vhost_listen_port(vhost));
    fflush(stdout);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
