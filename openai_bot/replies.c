#include "replies.h"
#include "common/alloc.h"
#include "common/backoff.h"
#include "common/hash.h"
#include "common/text.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_RETRY_MS = 500, LAST_RETRY_MS = 30000 };

typedef struct {
    question_t *question;
    message_t message;
    bool refused; /* to be sent again */
} reply_t;

struct replies {
    uv_timer_t timer; /* sends the refused ones again */
    backoff_t backoff;
    hash_t *by_id;
    chat_session_t *session;
    size_t max_bytes;
    const log_t *log;
};

static void on_retry(uv_timer_t *timer);

replies_t *replies_new(uv_loop_t *loop, const log_t *log)
{
    replies_t *replies = alloc_new(replies_t);

    uv_timer_init(loop, &replies->timer);
    replies->timer.data = replies;
    backoff_init(&replies->backoff, FIRST_RETRY_MS, LAST_RETRY_MS);
    replies->by_id = hash_new();
    replies->max_bytes = MESSAGE_DEFAULT_MAX_BYTES;
    replies->log = log;
    return replies;
}

void replies_set_session(replies_t *replies, chat_session_t *session)
{
    replies->session = session;
}

void replies_set_max_bytes(replies_t *replies, size_t max_message_bytes)
{
    replies->max_bytes = max_message_bytes;
}

static void free_reply(reply_t *reply)
{
    question_free(reply->question);
    message_free(&reply->message);
    free(reply);
}

static void send_reply(replies_t *replies, reply_t *reply)
{
    err_t err = reply->question->again ? chat_session_send_again(replies->session, &reply->message)
                                       : chat_session_send(replies->session, &reply->message);

    reply->refused = err != ERR_OK;
    if (reply->refused && !uv_is_active((uv_handle_t *)&replies->timer))
        uv_timer_start(&replies->timer, on_retry, backoff_next(&replies->backoff), 0);
}

static void on_retry(uv_timer_t *timer)
{
    replies_t *replies = timer->data;
    size_t position = 0;
    const char *name;
    void *reply;

    while (replies->session && hash_next(replies->by_id, &position, &name, &reply))
        if (((reply_t *)reply)->refused)
            send_reply(replies, reply);
}

void replies_send(replies_t *replies, question_t *question, const char *text, size_t length)
{
    if (!replies->session || replies_has(replies, question->answer_id)) {
        question_free(question);
        return;
    }
    reply_t *reply = alloc_new(reply_t);
    reply->question = question;
    message_make(&reply->message, chat_session_username(replies->session), question->sender, text,
                 text_cut(text, length, replies->max_bytes), MESSAGE_CHAT);
    memcpy(reply->message.id, question->answer_id, sizeof(reply->message.id));
    hash_put(replies->by_id, question->answer_id, reply);
    send_reply(replies, reply);
}

bool replies_has(const replies_t *replies, const char *answer_id)
{
    return hash_get(replies->by_id, answer_id) != NULL;
}

/* What may be accepted later. A full mailbox is for its owner to empty; the others would be refused for ever. */
static bool is_passing(const char *code)
{
    static const char *const codes[] = {"busy",         "store_unavailable", "disk_full",
                                        "rate_limited", "io_error",          "timeout"};

    for (size_t i = 0; code && i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return false;
}

void replies_on_receipt(replies_t *replies, const char *id, receipt_status_t status, const char *code)
{
    reply_t *reply = hash_get(replies->by_id, id);

    if (!reply)
        return;
    if (status == RECEIPT_REJECTED && is_passing(code)) {
        reply->refused = true;
        if (!uv_is_active((uv_handle_t *)&replies->timer))
            uv_timer_start(&replies->timer, on_retry, backoff_next(&replies->backoff), 0);
        return;
    }
    if (status == RECEIPT_REJECTED)
        log_warning(replies->log, "answer_refused", "user=%s why=%s", reply->question->sender, code);
    else
        backoff_reset(&replies->backoff);
    hash_remove(replies->by_id, id);
    if (replies->session)
        chat_session_got(replies->session, reply->question->sender, reply->question->id);
    free_reply(reply);
}

static void on_timer_closed(uv_handle_t *handle)
{
    replies_t *replies = handle->data;
    size_t position = 0;
    const char *name;
    void *reply;

    while (hash_next(replies->by_id, &position, &name, &reply))
        free_reply(reply);
    hash_free(replies->by_id);
    free(replies);
}

void replies_free(replies_t *replies)
{
    if (replies)
        uv_close((uv_handle_t *)&replies->timer, on_timer_closed);
}
