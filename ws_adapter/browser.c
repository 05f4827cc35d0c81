#include "browser.h"
#include "common/alloc.h"
#include "common/text.h"
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Seconds and sizes of section 9 of the design. */
enum {
    LOGIN_MS = 10000,
    SLOW_MS = 30000,
    CLOSE_MS = 5000, /* in which a browser must take what it is told before the end */
    HARD_LIMIT = 8 * 1024 * 1024,
    SOFT_LIMIT = 1024 * 1024,
    RESUME_LIMIT = SOFT_LIMIT / 4,
    WRITE_BYTES = 64 * 1024,   /* at once: the library copies what the kernel doesn't take */
    MAX_UNANSWERED = 1000,     /* messages and commands on their way to the server */
    MAX_UNTAKEN = 1024 * 1024, /* their bytes, and bytes that the server's TCP has not taken */
    CLOSE_TOO_BIG = 1009,
    CLOSE_NO_UTF8 = 1007,
    CLOSE_NO_TEXT = 1003,
    CLOSE_POLICY = 1008,
};

browser_t *browser_new(browser_world_t *world, struct lws *wsi)
{
    browser_t *browser = alloc_new(browser_t);

    browser->world = world;
    browser->wsi = wsi;
    browser->since = uv_now(world->loop);
    browser->max_message_bytes = MESSAGE_DEFAULT_MAX_BYTES;
    buffer_init(&browser->input, ENVELOPE_MAX_BYTES);
    buffer_init(&browser->text, HARD_LIMIT);
    outgoing_init(&browser->outgoing, LWS_PRE);
    TAILQ_INSERT_TAIL(&world->browsers, browser, in_world);
    return browser;
}

void browser_release(browser_t *browser)
{
    if (browser->wsi || browser->session)
        return;
    TAILQ_REMOVE(&browser->world->browsers, browser, in_world);
    buffer_free(&browser->input);
    buffer_free(&browser->text);
    outgoing_free(&browser->outgoing);
    roster_free(&browser->roster);
    free(browser->wanted);
    free(browser);
}

/* ---- to the browser ---- */

buffer_t *browser_begin(browser_t *browser)
{
    buffer_clear(&browser->text);
    return &browser->text;
}

static void pause_output(browser_t *browser, bool pause)
{
    if (browser->output_paused == pause)
        return;
    browser->output_paused = pause;
    browser->paused_since = uv_now(browser->world->loop);
    if (browser->session)
        chat_session_pause(browser->session, pause);
}

/* What it has not acknowledged stays in the mailbox. */
static void drop_slow(browser_t *browser)
{
    log_info(browser->world->log, "browser_slow", "queued=%zu", browser->outgoing.bytes);
    outgoing_free(&browser->outgoing);
    lws_set_timeout(browser->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    browser->close_code = CLOSE_POLICY;
}

void browser_send(browser_t *browser, err_t err, const char *sender, const char *id)
{
    const buffer_t *text = &browser->text;

    if (!browser->wsi || browser->close_code != 0)
        return;
    if (err != ERR_OK || browser->outgoing.bytes + text->length > HARD_LIMIT ||
        !outgoing_push(&browser->outgoing, buffer_text(text), text->length, sender, id)) {
        drop_slow(browser);
        return;
    }
    if (browser->outgoing.bytes > SOFT_LIMIT)
        pause_output(browser, true);
    lws_callback_on_writable(browser->wsi);
}

void browser_error(browser_t *browser, const char *code, const char *text)
{
    browser_send(browser, envelope_write_error(browser_begin(browser), code, text), NULL, NULL);
}

void browser_close(browser_t *browser, int code)
{
    if (!browser->wsi || browser->close_code != 0)
        return;
    browser->close_code = code;
    browser->closing_since = uv_now(browser->world->loop);
    lws_callback_on_writable(browser->wsi);
}

/* The library takes -1 from a writable callback for a dead socket, and would send no close frame. A
 * connection that was idle for too long is closed with all forms kept. */
static void say_close(browser_t *browser)
{
    if (browser->close_said)
        return; /* a second time would cut short the wait for the answer */
    browser->close_said = true;
    lws_close_reason(browser->wsi, (enum lws_close_status)browser->close_code, NULL, 0);
    lws_set_timeout(browser->wsi, PENDING_TIMEOUT_HTTP_KEEPALIVE_IDLE, LWS_TO_KILL_ASYNC);
}

/* For browsers that don't say got: their TCP has it. A machine that is gone without a word must not be taken for one
 * that reads. */
static void acknowledge_written(browser_t *browser)
{
    outgoing_got_t *got;
    int unacknowledged;

    if (!browser->outgoing.first || lws_partial_buffered(browser->wsi) ||
        ioctl(lws_get_socket_fd(browser->wsi), SIOCOUTQ, &unacknowledged) != 0)
        return;
    while ((got = outgoing_pop_got(&browser->outgoing, (size_t)unacknowledged))) {
        if (browser->session)
            chat_session_got(browser->session, got->sender, got->id);
        free(got);
    }
}

/* The frames are whole already: for the library they are bytes, which it writes as they are under the name of
 * HTTP. What the kernel doesn't take it keeps, and calls back when that is gone. False when the socket is dead. */
static bool write_frames(browser_t *browser)
{
    outgoing_t *outgoing = &browser->outgoing;
    size_t length;
    char *frames = outgoing_next(outgoing, WRITE_BYTES, &length);

    if (lws_write(browser->wsi, (unsigned char *)frames, length, LWS_WRITE_HTTP) < (int)length)
        return false;
    outgoing_drop(outgoing, length);
    acknowledge_written(browser);
    return true;
}

int browser_on_writable(browser_t *browser)
{
    if (browser->outgoing.bytes == 0) {
        if (browser->close_code != 0)
            say_close(browser);
        return 0;
    }
    if (!write_frames(browser))
        return -1;
    if (browser->outgoing.bytes < RESUME_LIMIT)
        pause_output(browser, false);
    if (browser->outgoing.bytes > 0 || browser->close_code != 0)
        lws_callback_on_writable(browser->wsi);
    return 0;
}

/* ---- from the browser ---- */

static void count_messages(browser_t *browser)
{
    size_t count = browser->session ? chat_session_unacknowledged(browser->session) : 0;

    if (count < browser->messages)
        browser->held = browser->held * count / browser->messages;
    browser->messages = count;
}

void browser_pace_input(browser_t *browser)
{
    size_t part = browser->input_paused ? 2 : 1; /* goes on at half of what it stops at */

    if (!browser->wsi || browser->close_code != 0)
        return;
    count_messages(browser);
    bool pause = browser->commands + browser->messages > MAX_UNANSWERED / part ||
                 browser->held > MAX_UNTAKEN / part ||
                 (browser->session && chat_session_queued(browser->session) > MAX_UNTAKEN / part);
    if (pause == browser->input_paused)
        return;
    browser->input_paused = pause;
    lws_rx_flow_control(browser->wsi, pause ? 0 : 1);
}

static void take_login(browser_t *browser, envelope_t *envelope)
{
    if (browser->state != BROWSER_NEW) {
        browser_error(browser, "already_logged_in", "this connection is logged in already");
        return;
    }
    if (!server_list_choose(browser->world->servers, envelope->json, &browser->server)) {
        browser_error(browser, "server_not_allowed",
                      "this chat server is not on the list of P2P_WEB_SERVERS");
        return;
    }
    browser->says_got = envelope->says_got;
    browser->state = BROWSER_LOGGING_IN;
    browser->wanted = alloc_string(envelope->username);
    browser_session_open(browser);
}

static void take_chat(browser_t *browser, envelope_t *envelope)
{
    count_messages(browser);
    err_t err = envelope->resend ? chat_session_send_again(browser->session, &envelope->message)
                                 : chat_session_send(browser->session, &envelope->message);

    if (err == ERR_OK) {
        browser->held += envelope->message.text_length + envelope->message.metadata_length;
        browser->messages = chat_session_unacknowledged(browser->session);
        return;
    }
    envelope_write_receipt(browser_begin(browser), envelope->message.id, RECEIPT_REJECTED, err_code(err),
                           err_text(err));
    browser_send(browser, ERR_OK, NULL, NULL);
}

static void take_command(browser_t *browser, envelope_t *envelope)
{
    if (chat_session_command(browser->session, envelope->command) == ERR_OK)
        browser->commands++;
}

static void take_got(browser_t *browser, envelope_t *envelope)
{
    chat_session_got(browser->session, envelope->sender, envelope->id);
}

static void (*const takers[])(browser_t *browser, envelope_t *envelope) = {
    [ENVELOPE_LOGIN] = take_login,
    [ENVELOPE_CHAT] = take_chat,
    [ENVELOPE_COMMAND] = take_command,
    [ENVELOPE_GOT] = take_got,
};

static void take(browser_t *browser, const char *text, size_t length)
{
    char id[ID_SIZE];
    envelope_t envelope;
    err_t err = envelope_parse(text, length, browser->max_message_bytes, &envelope, id);

    if (err == ERR_OK) {
        if (browser->state == BROWSER_ONLINE || envelope.type == ENVELOPE_LOGIN)
            takers[envelope.type](browser, &envelope);
        else
            browser_error(browser, "not_logged_in", "log in first");
        envelope_free(&envelope);
    } else if (id[0] != '\0') {
        err = envelope_write_receipt(browser_begin(browser), id, RECEIPT_REJECTED, err_code(err),
                                     err_text(err));
        browser_send(browser, err, NULL, NULL);
    } else {
        browser_error(browser, err_code(err), err_text(err));
    }
    browser_pace_input(browser);
}

/* From inside the library's parser nothing else would do: told to close there it loses its place in what
 * is still coming, and resets the connection before the browser has read why. */
static void refuse(browser_t *browser, int code)
{
    outgoing_free(&browser->outgoing);
    buffer_free(&browser->input);
    browser_close(browser, code);
}

static void take_text(browser_t *browser, const char *text, size_t length)
{
    if (text_is_utf8(text, length))
        take(browser, text, length);
    else
        refuse(browser, CLOSE_NO_UTF8);
}

void browser_on_receive(browser_t *browser, const char *data, size_t length)
{
    size_t left = lws_remaining_packet_payload(browser->wsi);
    bool whole = left == 0 && lws_is_final_fragment(browser->wsi);

    if (browser->close_code != 0)
        return; /* it will not be answered any more */
    if (lws_frame_is_binary(browser->wsi)) {
        refuse(browser, CLOSE_NO_TEXT);
        return;
    }
    if (whole && browser->input.length == 0 && length <= ENVELOPE_MAX_BYTES) {
        take_text(browser, data, length);
        return;
    }
    /* What is left of this frame counts already: nothing is collected that can't fit. */
    if (left > ENVELOPE_MAX_BYTES || browser->input.length + length + left > ENVELOPE_MAX_BYTES ||
        buffer_append(&browser->input, data, length) != ERR_OK) {
        refuse(browser, CLOSE_TOO_BIG);
        return;
    }
    if (!whole)
        return;
    take_text(browser, buffer_text(&browser->input), browser->input.length);
    buffer_free(&browser->input); /* a quiet browser holds no memory */
}

/* ---- the end ---- */

void browser_on_closed(browser_t *browser)
{
    bool was_online = browser->state == BROWSER_ONLINE;

    acknowledge_written(browser); /* what it had read before it left */
    browser->wsi = NULL;
    outgoing_free(&browser->outgoing);
    if (browser->session)
        /* What it sent just before it left is still handed over. */
        chat_session_close(browser->session, was_online ? 1000 : 0);
    browser_release(browser);
}

void browser_tick(browser_t *browser)
{
    uint64_t now = uv_now(browser->world->loop);

    if (!browser->wsi)
        return;
    if (browser->close_code != 0) {
        if (now - browser->closing_since > CLOSE_MS)
            lws_set_timeout(browser->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    } else if (browser->state != BROWSER_ONLINE && now - browser->since > LOGIN_MS) {
        browser_error(browser, err_code(ERR_TIMEOUT), "the login took too long");
        browser_close(browser, CLOSE_POLICY);
    } else if (browser->output_paused && now - browser->paused_since > SLOW_MS) {
        drop_slow(browser);
    }
    acknowledge_written(browser);
    browser_pace_input(browser); /* nothing tells when the server's TCP has taken some */
}
