/* JSON sessions: the suite's own programs, and anyone who writes one. */
#include "limits.h"
#include "router.h"
#include "server.h"
#include "session.h"
#include <string.h>

static void write_error(session_t *session, err_t why)
{
    frame_write_error(session_begin(session), why);
    session_flush(session);
}

static void write_receipt(session_t *session, const char *id, receipt_status_t status, err_t why)
{
    frame_write_receipt(session_begin(session), id, status, why);
    session_flush(session);
}

/* ---- commands ---- */

static void check(session_t *session)
{
    mailbox_check(session->mailbox);
}

static void list_users(session_t *session)
{
    const char *names[LIMIT_NAMES_JSON];
    const users_t *users = session->server->users;
    size_t count = users_names(users, session, names, LIMIT_NAMES_JSON);

    frame_write_result_users(session_begin(session), names, count, users_count(users));
    session_flush(session);
}

static void ping(session_t *session)
{
    frame_write_result_ping(session_begin(session));
    session_flush(session);
}

static void (*const commands[])(session_t *session) = {
    [COMMAND_CHECK] = check,
    [COMMAND_USERS] = list_users,
    [COMMAND_PING] = ping,
};

/* ---- frames ---- */

static err_t take_message(session_t *session, frame_t *frame)
{
    router_send(session, &frame->message, frame->resend);
    return ERR_OK;
}

static err_t got(session_t *session, const char *name, size_t name_length, const char *id)
{
    char sender[USERNAME_SIZE], key[DELIVERY_KEY_SIZE];

    if (username_normalise(name, name_length, sender) != ERR_OK)
        return ERR_INVALID_FRAME;
    mailbox_expand(session->mailbox);
    delivery_key(sender, id, key);
    delivery_t *delivery = hash_get(session->server->tracked, key);
    if (delivery && delivery->mailbox == session->mailbox && delivery->handed && !delivery->got)
        mailbox_got(delivery);
    else
        session_charge(session); /* it was acknowledged before, or comes again, or is made up */
    return ERR_OK;
}

static err_t take_got(session_t *session, frame_t *frame)
{
    return got(session, frame->sender, strlen(frame->sender), frame->id);
}

static err_t take_command(session_t *session, frame_t *frame)
{
    commands[frame->command](session);
    return ERR_OK;
}

static err_t take_partial(session_t *session, frame_t *frame)
{
    char destination[USERNAME_SIZE];
    err_t err = username_normalise(frame->destination, strlen(frame->destination), destination);

    if (err == ERR_OK)
        router_partial(session, destination, frame->id, frame->text);
    return err;
}

/* What a client may send once it is logged in. */
static const struct {
    err_t (*take)(session_t *session, frame_t *frame);
    bool is_free; /* costs no token here: what answers a message of ours is free */
} frames[] = {
    [FRAME_MESSAGE] = {take_message, false},
    [FRAME_GOT] = {take_got, true},
    [FRAME_COMMAND] = {take_command, false},
    [FRAME_PARTIAL] = {take_partial, false},
};
static const size_t frame_count = sizeof frames / sizeof frames[0];

static err_t take(session_t *session, frame_t *frame)
{
    if ((size_t)frame->type >= frame_count || !frames[frame->type].take) {
        session_charge(session);
        return ERR_INVALID_FRAME;
    }
    if (!frames[frame->type].is_free)
        session_charge(session);
    return frames[frame->type].take(session, frame);
}

/* ---- the same in their plain form ---- */

static void copy_id(char out[ID_SIZE], span_t id)
{
    memcpy(out, id.data, id.length);
    out[id.length] = '\0';
}

static bool take_plain_got(session_t *session, const frame_view_t *view)
{
    char id[ID_SIZE];

    if (mailbox_pass_got(session, view))
        return true;
    copy_id(id, view->id);
    return got(session, view->sender.data, view->sender.length, id) == ERR_OK;
}

static bool take_plain_message(session_t *session, const frame_view_t *view)
{
    char destination[USERNAME_SIZE];
    message_t message;

    if (mailbox_pass_frame(session, view)) {
        session_charge(session);
        return true;
    }
    if (username_normalise_destination(view->destination.data, view->destination.length, destination) !=
        ERR_OK)
        return false;
    session_charge(session);
    message_make(&message, "", destination, view->text.data, view->text.length, MESSAGE_CHAT);
    if (view->id.length > 0)
        copy_id(message.id, view->id);
    router_send(session, &message, false);
    return true;
}

/* False when nothing was done: it has another form, or is wrong, and is for frame_parse. */
static bool take_plain(session_t *session, const char *line, size_t length)
{
    frame_view_t view;

    if (!frame_scan(line, length, (size_t)session->server->config->max_message_bytes, &view))
        return false;
    return view.type == FRAME_GOT ? take_plain_got(session, &view) : take_plain_message(session, &view);
}

/* What could not be read for want of memory may have been anything: the peer shall send it again. */
static void refuse(session_t *session, err_t why)
{
    write_error(session, why);
    if (why == ERR_NO_MEMORY)
        session_end(session, why);
}

static void on_line(session_t *session, char *line, size_t length, bool whole)
{
    char id[ID_SIZE];
    frame_t frame;

    (void)whole;
    if (take_plain(session, line, length))
        return;
    err_t err = frame_parse(line, length, FRAME_SIDE_SERVER,
                            (size_t)session->server->config->max_message_bytes, &frame, id);
    if (err == ERR_OK) {
        err = take(session, &frame);
        frame_free(&frame);
        if (err != ERR_OK)
            refuse(session, err);
        return;
    }
    session_charge(session);
    if (id[0] != '\0' && err != ERR_NO_MEMORY)
        write_receipt(session, id, RECEIPT_REJECTED, err);
    else
        refuse(session, err);
}

static void on_line_too_long(session_t *session)
{
    session_charge(session);
    write_error(session, ERR_TOO_LONG);
}

/* ---- what comes ---- */

static bool shows(message_type_t type)
{
    (void)type;
    return true;
}

static void deliver(session_t *session, delivery_t *delivery, const message_t *message, bool stored)
{
    frame_write_message(session_begin(session), message, stored, delivery->resend);
    session_flush(session);
}

static void broadcast(session_t *session, const message_t *message)
{
    frame_write_message(session_begin(session), message, false, false);
    session_flush(session);
}

static void on_receipt(session_t *session, const delivery_t *delivery, receipt_status_t status, err_t why)
{
    write_receipt(session, delivery->message.id, status, why);
}

static void on_checked(session_t *session, size_t count, err_t why)
{
    if (why != ERR_OK) {
        write_error(session, why);
        return;
    }
    frame_write_result_check(session_begin(session), count);
    session_flush(session);
}

const protocol_t json_protocol = {
    .on_line = on_line,
    .on_line_too_long = on_line_too_long,
    .shows = shows,
    .deliver = deliver,
    .broadcast = broadcast,
    .on_receipt = on_receipt,
    .on_checked = on_checked,
    .say_end = write_error,
};
