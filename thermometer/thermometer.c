#include "thermometer.h"
#include "common/alloc.h"
#include "common/daemon.h"
#include "feed.h"
#include "requests.h"
#include "sampler.h"
#include "state_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINGER_MS = 1000,
    LOGIN_TRIES = 12, /* after a crash the server may not have noticed yet that the former session is dead */
    LOGIN_AGAIN_MS = 500,
    STATUS_FAILED = 1,
    STATUS_INVALID_SETTING = 2,
};

typedef struct {
    const config_t *config;
    daemon_t daemon;
    chat_session_t *session; /* NULL between two first logins */
    subscribers_t *subscribers;
    state_file_t file;
    feed_t *feed;
    requests_t *requests;
    sampler_t sampler;
    readings_t readings;
    uv_timer_t timer, login_timer;
    int logins;
    /* Rounds of readings that were begun; when the save began that is under way; when the last began that is on
     * the disk. */
    uint64_t rounds, rounds_saving, rounds_saved;
    bool offer;   /* the next reading goes to the subscribers */
    bool due;     /* the newest reading waits for the state of the last round */
    bool started; /* was online: the subscribers are loaded, and ours alone to save */
    bool blind;   /* the last try gave no reading */
    bool stopping;
} thermometer_t;

/* ---- readings ---- */

/* The next round begins when the last one is known on the disk: so a restart knows which numbers are doubtful. */
static void offer(thermometer_t *thermometer)
{
    const reading_t *reading = readings_newest(&thermometer->readings);

    if (!thermometer->due || !reading || thermometer->rounds_saved < thermometer->rounds)
        return;
    thermometer->due = false;
    if (subscribers_count(thermometer->subscribers) == 0)
        return;
    subscribers_set_round_us(thermometer->subscribers, reading->time_us);
    thermometer->rounds++;
    feed_offer(thermometer->feed, reading);
    requests_touch(thermometer->requests);
}

static void on_reading(void *context, const reading_t *reading)
{
    thermometer_t *thermometer = context;

    if (!reading && !thermometer->blind)
        log_warning(&thermometer->daemon.log, "no_reading", "sensor=%s", thermometer->config->sensor);
    thermometer->blind = reading == NULL;
    if (!reading)
        return;
    readings_add(&thermometer->readings, reading);
    thermometer->due |= thermometer->offer;
    thermometer->offer = false;
    if (thermometer->rounds_saved < thermometer->rounds)
        requests_touch(thermometer->requests); /* it could not be saved: another try */
    offer(thermometer);
}

static void on_tick(uv_timer_t *timer)
{
    thermometer_t *thermometer = timer->data;

    thermometer->offer = true;
    sampler_take(&thermometer->sampler);
}

/* The rhythm goes on over a restart: neither too soon, nor never when restarts are many. */
static uint64_t first_tick_ms(const thermometer_t *thermometer, uint64_t interval_ms)
{
    int64_t round_us = subscribers_round_us(thermometer->subscribers), now_us = timestamp_now();

    if (round_us == 0 || round_us > now_us)
        return interval_ms;
    uint64_t passed_ms = (uint64_t)(now_us - round_us) / 1000;
    return passed_ms < interval_ms ? interval_ms - passed_ms : 0;
}

/* ---- what the requests ask for ---- */

static void on_saved(void *context, err_t err)
{
    thermometer_t *thermometer = context;

    if (err != ERR_OK)
        log_error(&thermometer->daemon.log, "state_not_saved", "file=%s reason=%s", thermometer->file.path,
                  err_code(err));
    else
        thermometer->rounds_saved = thermometer->rounds_saving;
    if (thermometer->stopping)
        return;
    requests_on_saved(thermometer->requests, err);
    offer(thermometer);
}

static void save(void *context)
{
    thermometer_t *thermometer = context;

    thermometer->rounds_saving = thermometer->rounds;
    state_file_save(&thermometer->file, thermometer->subscribers);
}

static err_t send_message(thermometer_t *thermometer, message_t *message, bool again)
{
    return again ? chat_session_send_again(thermometer->session, message)
                 : chat_session_send(thermometer->session, message);
}

static err_t send_answer(void *context, message_t *message, bool again)
{
    return send_message(context, message, again);
}

static void say_got(void *context, const char *sender, const char *id)
{
    thermometer_t *thermometer = context;

    chat_session_got(thermometer->session, sender, id);
}

/* The interval goes on as it was: rebooting again and again must not keep the subscribers waiting for ever. */
static void reboot(void *context)
{
    thermometer_t *thermometer = context;

    readings_reset(&thermometer->readings);
    sampler_take(&thermometer->sampler);
}

static void on_subscribed(void *context, subscriber_t *subscriber)
{
    thermometer_t *thermometer = context;

    feed_skip(thermometer->feed, subscriber); /* the answer tells the current reading */
}

static void on_unsubscribing(void *context, subscriber_t *subscriber)
{
    thermometer_t *thermometer = context;

    feed_forget(thermometer->feed, subscriber);
}

static const requests_events_t REQUESTS_EVENTS = {save,   send_answer,   say_got,
                                                  reboot, on_subscribed, on_unsubscribing};

/* Readings are for now: they don't pile up while the server is away. */
static bool send_reading(void *context, message_t *message, bool again)
{
    thermometer_t *thermometer = context;

    return thermometer->started && !thermometer->stopping && chat_session_is_online(thermometer->session) &&
           send_message(thermometer, message, again) == ERR_OK;
}

/* ---- the session ---- */

static void open_session(thermometer_t *thermometer);

/* Only who is logged in owns the file: a second thermometer of this name got no further. */
static bool start(thermometer_t *thermometer)
{
    uint64_t interval_ms = (uint64_t)(thermometer->config->interval_s * 1000);

    err_t err = state_file_load(&thermometer->file, thermometer->subscribers);
    if (err != ERR_OK) {
        log_error(&thermometer->daemon.log, "state_not_readable", "file=%s reason=%s advice=%s",
                  thermometer->file.path, err_code(err), "mend the file, or move it away to start anew");
        daemon_stop(&thermometer->daemon, STATUS_FAILED);
        return false;
    }
    thermometer->started = true;
    uv_timer_start(&thermometer->timer, on_tick, first_tick_ms(thermometer, interval_ms), interval_ms);
    daemon_ready(&thermometer->daemon, "username=%s", chat_session_username(thermometer->session));
    log_info(&thermometer->daemon.log, "started", "username=%s subscribers=%zu source=%s",
             chat_session_username(thermometer->session), subscribers_count(thermometer->subscribers),
             thermometer->sampler.has_sensor ? thermometer->sampler.sensor.path : "simulated room");
    return true;
}

static void on_online(void *context, const frame_t *login_success)
{
    thermometer_t *thermometer = context;

    (void)login_success;
    if (thermometer->started || start(thermometer))
        feed_pump(thermometer->feed);
}

static void on_login_timer(uv_timer_t *timer)
{
    open_session(timer->data);
}

static void on_offline(void *context, err_t why, bool final)
{
    thermometer_t *thermometer = context;

    if (!final)
        return;
    if (why == ERR_USERNAME_TAKEN && thermometer->logins < LOGIN_TRIES) {
        chat_session_close(thermometer->session, 0);
        thermometer->session = NULL;
        uv_timer_start(&thermometer->login_timer, on_login_timer, LOGIN_AGAIN_MS, 0);
        return;
    }
    log_error(&thermometer->daemon.log, "login_refused", "username=%s reason=%s", thermometer->config->name,
              err_text(why));
    daemon_stop(&thermometer->daemon, STATUS_FAILED);
}

/* Services don't answer services, and nobody answers what was said to all. */
static bool is_for_us(const thermometer_t *thermometer, const message_t *message)
{
    const char *own = chat_session_username(thermometer->session);

    return (message->type == MESSAGE_CHAT || message->type == MESSAGE_COMMAND) &&
           strcmp(message->destination, own) == 0 && strcmp(message->sender, own) != 0 &&
           !username_in_list(message->sender, thermometer->config->service_names);
}

static bool on_message(void *context, const message_t *message, bool stored)
{
    thermometer_t *thermometer = context;

    if (!thermometer->started)
        return false; /* about to stop: it stays in the mailbox */
    if (!is_for_us(thermometer, message))
        return true;
    log_debug(&thermometer->daemon.log, "request", "user=%s id=%s", message->sender, message->id);
    requests_add(thermometer->requests, message, stored);
    return false;
}

static void on_receipt(void *context, const char *id, receipt_status_t status, const char *code,
                       const char *reason)
{
    thermometer_t *thermometer = context;

    (void)reason;
    if (status == RECEIPT_REJECTED)
        log_info(&thermometer->daemon.log, "rejected", "id=%s code=%s", id, code);
    if (!feed_on_receipt(thermometer->feed, id, status))
        requests_on_receipt(thermometer->requests, id, status, code);
    else if (feed_is_idle(thermometer->feed))
        requests_touch(thermometer->requests); /* the round is over */
}

static void on_error(void *context, const char *code, const char *text)
{
    thermometer_t *thermometer = context;

    log_warning(&thermometer->daemon.log, "server_error", "code=%s text=%s", code, text);
}

static const chat_events_t SESSION_EVENTS = {.on_online = on_online,
                                             .on_offline = on_offline,
                                             .on_message = on_message,
                                             .on_receipt = on_receipt,
                                             .on_error = on_error};

static void open_session(thermometer_t *thermometer)
{
    const config_t *config = thermometer->config;
    const chat_options_t options = {.host = config->server_host,
                                    .port = (int)config->server_port,
                                    .username = config->name,
                                    .token = config->token,
                                    .reconnect = true,
                                    .log = &thermometer->daemon.log};

    thermometer->logins++;
    thermometer->session =
        chat_session_open(daemon_loop(&thermometer->daemon), &options, &SESSION_EVENTS, thermometer);
}

/* ---- start and end ---- */

static void on_stop(void *context)
{
    thermometer_t *thermometer = context;

    thermometer->stopping = true;
    uv_close((uv_handle_t *)&thermometer->timer, NULL);
    uv_close((uv_handle_t *)&thermometer->login_timer, NULL);
    sampler_close(&thermometer->sampler);
    requests_close(thermometer->requests);
    if (thermometer->session)
        chat_session_close(thermometer->session, LINGER_MS);
}

static void build(thermometer_t *thermometer)
{
    const config_t *config = thermometer->config;
    uv_loop_t *loop = daemon_loop(&thermometer->daemon);

    thermometer->subscribers = subscribers_new();
    state_file_init(&thermometer->file, loop, config->data, config->name, on_saved, thermometer);
    thermometer->feed = feed_new(thermometer->subscribers, send_reading, thermometer);
    thermometer->requests = requests_new(loop, thermometer->subscribers, &thermometer->readings,
                                         config->interval_s, &REQUESTS_EVENTS, thermometer);
    uv_timer_init(loop, &thermometer->timer);
    thermometer->timer.data = thermometer;
    uv_timer_init(loop, &thermometer->login_timer);
    thermometer->login_timer.data = thermometer;
    sampler_take(&thermometer->sampler);
    open_session(thermometer);
}

static void tear_down(thermometer_t *thermometer)
{
    if (thermometer->started && state_file_save_now(&thermometer->file, thermometer->subscribers) != ERR_OK)
        log_error(&thermometer->daemon.log, "state_not_saved", "file=%s reason=%s", thermometer->file.path,
                  err_code(thermometer->file.err));
    feed_free(thermometer->feed);
    state_file_free(&thermometer->file);
    subscribers_free(thermometer->subscribers);
}

int thermometer_run(const config_t *config)
{
    thermometer_t *thermometer = alloc_new(thermometer_t);
    int status = STATUS_FAILED;

    thermometer->config = config;
    if (daemon_init(&thermometer->daemon, "thermometer", config->level, on_stop, thermometer) != ERR_OK) {
        fprintf(stderr, "p2p-thermometer: cannot start the event loop\n");
        goto cleanup;
    }
    if (sampler_init(&thermometer->sampler, daemon_loop(&thermometer->daemon), config->sensor,
                     (uint64_t)config->seed, on_reading, thermometer) == ERR_OK) {
        build(thermometer);
        status = daemon_run(&thermometer->daemon);
        tear_down(thermometer);
    } else {
        fprintf(stderr,
                "p2p-thermometer: --sensor (P2P_THERMOMETER_SENSOR): this file gives no temperature\n");
        status = STATUS_INVALID_SETTING;
    }
    daemon_close(&thermometer->daemon);
cleanup:
    free(thermometer);
    return status;
}
