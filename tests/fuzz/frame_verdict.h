/* What frame_scan takes, frame_parse takes as the same: for the fuzzer and the unit test. */
#ifndef P2P_FRAME_VERDICT_H
#define P2P_FRAME_VERDICT_H
#include "common/frame_scan.h"
#include <string.h>

static inline bool span_is(span_t span, const char *text)
{
    return text != NULL && strlen(text) == span.length &&
           (span.length == 0 || memcmp(text, span.data, span.length) == 0);
}

static inline bool is_same_message(const frame_view_t *view, const message_t *message,
                                   const char *destination)
{
    return message->type == MESSAGE_CHAT && span_is(view->id, message->id) &&
           span_is(view->text, message->text) && message->text_length == view->text.length &&
           strcmp(message->destination, destination) == 0 && strcmp(message->metadata, "{}") == 0;
}

/* The text of what was taken needs no escape: the two writers agree on it. */
static inline bool is_written_as_it_is(span_t text)
{
    buffer_t out;

    buffer_init(&out, 0);
    bool same = json_append_string(&out, text.data, text.length) == ERR_OK && out.length == text.length + 2 &&
                memcmp(out.data + 1, text.data, text.length) == 0;
    buffer_free(&out);
    return same;
}

static inline bool is_same_frame(const frame_view_t *view, const frame_t *frame, const char *destination)
{
    if (frame->type != view->type || frame->stored || frame->resend)
        return false;
    if (view->type == FRAME_GOT)
        return span_is(view->id, frame->id) && span_is(view->sender, frame->sender);
    return is_same_message(view, &frame->message, destination) && is_written_as_it_is(view->text);
}

/* True also when frame_scan leaves it to frame_parse; *taken (may be NULL) tells. */
static inline bool verdicts_agree(const char *line, size_t length, size_t max_message_bytes, bool *taken)
{
    char destination[USERNAME_SIZE] = "";
    frame_view_t view;
    frame_t frame;

    bool scanned = frame_scan(line, length, max_message_bytes, &view);
    if (taken)
        *taken = scanned;
    err_t err = frame_parse(line, length, FRAME_SIDE_SERVER, max_message_bytes, &frame, NULL);
    bool agree = true;
    if (scanned && view.type == FRAME_MESSAGE) {
        err_t name =
            username_normalise_destination(view.destination.data, view.destination.length, destination);
        agree = err == name;
    } else if (scanned) {
        agree = err == ERR_OK;
    }
    if (scanned && agree && err == ERR_OK)
        agree = is_same_frame(&view, &frame, destination);
    if (err == ERR_OK)
        frame_free(&frame);
    return agree;
}

#endif
