/* What the chat server says, told to the browser. */
#include "browser.h"
#include <string.h>

enum {
    CLOSE_POLICY = 1008,
    CLOSE_TRY_AGAIN = 1013,
    MAX_PRESENCE = 256 * 1024, /* bytes of lists of users for one presence frame */
};

static void on_online(void *context, const frame_t *frame)
{
    browser_t *browser = context;

    browser->state = BROWSER_ONLINE;
    if (frame->max_message_bytes > 0)
        browser->max_message_bytes = (size_t)frame->max_message_bytes;
    roster_replace(&browser->roster, frame->users);
    err_t err = envelope_write_login_success(browser_begin(browser), frame->username, &browser->roster,
                                             browser->max_message_bytes);
    browser_send(browser, err, NULL, NULL);
}

static void on_offline(void *context, err_t why, bool final)
{
    browser_t *browser = context;
    bool was_online = browser->state == BROWSER_ONLINE;

    (void) final; /* it always is: the browser comes back by itself */
    browser_error(browser, err_code(why),
                  was_online && why == ERR_CLOSED ? "the connection to the chat server is gone"
                                                  : err_text(why));
    browser_close(browser, was_online ? CLOSE_TRY_AGAIN : CLOSE_POLICY);
    chat_session_close(browser->session, 0);
}

static bool on_message(void *context, const message_t *message, bool stored)
{
    browser_t *browser = context;
    err_t err = envelope_write_message(browser_begin(browser), message, stored);

    browser_send(browser, err, browser->says_got ? NULL : message->sender,
                 browser->says_got ? NULL : message->id);
    return false; /* got is said by the browser, or once it is written */
}

static void on_receipt(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason)
{
    browser_t *browser = context;

    browser_send(browser, envelope_write_receipt(browser_begin(browser), id, status, code, reason), NULL,
                 NULL);
    browser_pace_input(browser);
}

/* The list goes with every name as long as that isn't much, else with the last alone. */
static void tell_presence(browser_t *browser, const cJSON *names, bool joined, bool lists, int64_t online)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, names)
    {
        bool list = lists || !item->next;
        if (!(joined ? roster_add : roster_remove)(&browser->roster, item->valuestring))
            continue;
        err_t err = envelope_write_presence(browser_begin(browser), joined, item->valuestring,
                                            list ? &browser->roster : NULL, (size_t)online);
        browser_send(browser, err, NULL, NULL);
    }
}

static void on_presence(void *context, const frame_t *frame)
{
    browser_t *browser = context;
    size_t changes = (size_t)(cJSON_GetArraySize(frame->joined) + cJSON_GetArraySize(frame->left));
    bool lists = changes * roster_bytes(&browser->roster) <= MAX_PRESENCE;

    tell_presence(browser, frame->left, false, lists, frame->online);
    tell_presence(browser, frame->joined, true, lists, frame->online);
}

static void on_result(void *context, const frame_t *frame)
{
    browser_t *browser = context;

    if (browser->commands > 0)
        browser->commands--;
    if (frame->command == COMMAND_USERS)
        roster_replace(&browser->roster, frame->users);
    browser_send(browser, envelope_write_result(browser_begin(browser), frame), NULL, NULL);
    browser_pace_input(browser);
}

static void on_partial(void *context, const char *sender, const char *id, const char *text)
{
    browser_t *browser = context;

    if (!browser->output_paused) /* the whole message comes anyway */
        browser_send(browser, envelope_write_partial(browser_begin(browser), sender, id, text), NULL, NULL);
}

static void on_error(void *context, const char *code, const char *text)
{
    browser_t *browser = context;

    browser->commands = 0; /* one of them may have been answered by this */
    browser_error(browser, code, text);
    browser_pace_input(browser);
}

/* ---- opening, and waiting for it ---- */

/* Two names that cannot be online together. */
static bool same_name(const char *one, const char *other)
{
    char names[2][USERNAME_SIZE], keys[2][USERNAME_KEY_SIZE];

    if (username_normalise(one, strlen(one), names[0]) != ERR_OK ||
        username_normalise(other, strlen(other), names[1]) != ERR_OK)
        return false;
    username_key(names[0], keys[0]);
    username_key(names[1], keys[1]);
    return strcmp(keys[0], keys[1]) == 0;
}

static bool is_being_left(const browser_t *browser)
{
    const browser_t *other;

    TAILQ_FOREACH(other, &browser->world->browsers, in_world)
    {
        if (other->session && !other->wsi && same_name(other->wanted, browser->wanted))
            return true;
    }
    return false;
}

static void on_closed(void *context)
{
    browser_t *browser = context, *other;

    browser->session = NULL;
    TAILQ_FOREACH(other, &browser->world->browsers, in_world)
    {
        if (other->state == BROWSER_LOGGING_IN && !other->session && other->wsi && other->close_code == 0)
            browser_session_open(other);
    }
    browser_release(browser);
}

void browser_session_open(browser_t *browser)
{
    static const chat_events_t events = {
        .on_online = on_online,
        .on_offline = on_offline,
        .on_message = on_message,
        .on_receipt = on_receipt,
        .on_presence = on_presence,
        .on_result = on_result,
        .on_partial = on_partial,
        .on_error = on_error,
        .on_closed = on_closed,
    };
    chat_options_t options = {
        .host = browser->server.host,
        .port = browser->server.port,
        .username = browser->wanted,
        .reconnect = false,
        .log = browser->world->log,
    };

    if (!is_being_left(browser))
        browser->session = chat_session_open(browser->world->loop, &options, &events, browser);
}
