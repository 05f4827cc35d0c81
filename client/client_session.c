/* What the server says. */
#include "client_parts.h"
#include "config.h"
#include "ticks.h"

enum { OUTPUT_HIGH_WATER = 1024 * 1024, OUTPUT_LOW_WATER = 256 * 1024 };

static void on_online(void *context, const frame_t *login_success)
{
    client_t *client = context;
    bool again = client->ever_online;
    client->ever_online = true;
    client->offline_shown = false;
    roster_replace(client->roster, login_success->users);
    if (login_success->max_message_bytes > 0 && login_success->max_message_bytes <= CLIENT_LINE_BYTES)
        client->max_message_bytes = (size_t)login_success->max_message_bytes;
    if (client->view->kind->login)
        client->view->kind->login(client->view, login_success, client->roster, again);
    client_update_prompt(client);
    client_flush(client);
    if (client->reader)
        reader_resume(client->reader);
    client_progress(client);
}

/* Answers to commands went with the connection. */
static void forget_asked(client_t *client)
{
    if (client->asked > 0 && !client->last_check) {
        client->failed_lines++;
        client_problem(client, err_code(ERR_CLOSED), "a command got no answer, ask again", 0);
    }
    client->asked = 0;
}

static void on_offline(void *context, err_t why, bool final)
{
    client_t *client = context;
    bool person = client->terminal != NULL;
    bool no_session = !client->ever_online && !person; /* a script doesn't wait for a server to appear */
    if (client->phase == PHASE_CLOSING)
        return;
    if ((!client->offline_shown || final) && client->view->kind->offline)
        client->view->kind->offline(client->view, why, client->ever_online, !final && !no_session);
    client->offline_shown = true;
    forget_asked(client);
    client_update_prompt(client);
    client_flush(client);
    if (final && person && client->phase == PHASE_CHAT) {
        chat_session_close(client->session, 0);
    } else if (final || no_session) {
        client->status = client->ever_online ? EXIT_UNDELIVERED : EXIT_NO_SESSION;
        client_close(client);
    } else {
        client_progress(client);
    }
}

static bool on_message(void *context, const message_t *message, bool stored)
{
    client_t *client = context;
    client->view->kind->message(client->view, message, stored);
    client_flush(client);
    client_progress(client);
    if (client->terminal)
        return true;
    if (client->output)
        unwritten_add(client->unwritten, message->sender, message->id, writer_queued(client->output));
    if (client->session && !client->output_paused && client_backlog(client) > OUTPUT_HIGH_WATER) {
        client->output_paused = true;
        chat_session_pause(client->session, true);
    }
    return false;
}

void client_acknowledge_written(client_t *client)
{
    unwritten_item_t item;
    if (!client->session)
        return;
    while (unwritten_take(client->unwritten, writer_written(client->output), &item))
        chat_session_got(client->session, item.sender, item.id);
    /* Also a leaving client reads on: its last mail comes before the answer that it waits for. */
    if (client->output_paused && client_backlog(client) < OUTPUT_LOW_WATER &&
        (client->phase == PHASE_CHAT || client->phase == PHASE_FINISHING)) {
        client->output_paused = false;
        chat_session_pause(client->session, false);
    }
}

static void on_settle(uv_timer_t *timer)
{
    client_t *client = timer->data;
    client->view->kind->settle(client->view);
    client_flush(client);
}

static void on_receipt(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason)
{
    client_t *client = context;
    const sent_record_t *record = sent_find(client->sent, id);
    bool away = record && !roster_has(client->roster, record->destination);
    if (status == RECEIPT_REJECTED)
        client->failed_lines++;
    client->view->kind->receipt(client->view, id, record, status, away, code, reason);
    client_flush(client);
    if (client->view->kind->settle && !uv_is_active((uv_handle_t *)&client->settle))
        uv_timer_start(&client->settle, on_settle, TICKS_SETTLE_MS, 0);
    if (client->reader)
        reader_resume(client->reader); /* there is room in the outbox */
    client_progress(client);
}

static void on_presence(void *context, const frame_t *presence)
{
    client_t *client = context;
    roster_update(client->roster, presence->joined, presence->left);
    if (client->view->kind->presence)
        client->view->kind->presence(client->view, presence);
    client_flush(client);
}

static void on_result(void *context, const frame_t *result)
{
    client_t *client = context;
    if (result->command == COMMAND_PING || client->asked == 0)
        return;
    client->asked--;
    if (result->command == COMMAND_USERS)
        client->view->kind->users(client->view, result);
    else if (!client->last_check)
        client->view->kind->checked(client->view, result->count);
    client_flush(client);
    client_progress(client);
}

static void on_partial(void *context, const char *sender, const char *id, const char *text)
{
    client_t *client = context;
    if (client->view->kind->partial)
        client->view->kind->partial(client->view, sender, id, text);
    client_flush(client);
}

static void on_error(void *context, const char *code, const char *text)
{
    client_t *client = context;
    if (client->asked > 0) /* it answers a command, or the next answer would have come */
        client->asked--;
    if (!client->last_check) {
        client->failed_lines++;
        client_problem(client, code, text, 0);
    }
    client_progress(client);
}

static void on_closed(void *context)
{
    client_session_gone(context);
}

const chat_events_t client_session_events = {
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
