#include "slot.h"
#include "port_check.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SLOT_START_DEADLINE_MS = 30 * 1000, /* from its start to its ready line */
    SLOT_BAD_SETTINGS = 2, /* exit status of every program of the suite: trying again won't help */
    SLOT_WHAT_SIZE = 160,
};

static void start_now(uv_timer_t *timer);

static const log_t *log_of(slot_t *slot)
{
    return launcher_log(slot->options.launcher_log);
}

static endpoint_t *endpoint_of(const slot_t *slot)
{
    return &slot->options.endpoints[slot->options.id];
}

static bool listens(const slot_t *slot)
{
    return *endpoint_of(slot)->host != '\0';
}

static void note(slot_t *slot, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(slot_t *slot, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(slot->note, sizeof slot->note, format, arguments);
    va_end(arguments);
}

static void enter(slot_t *slot, component_state_t state)
{
    slot->state = state;
    slot->options.events.on_change(slot->options.context);
}

/* It failed for good: the suite goes on without it, unless there is no suite without it. */
static void give_up(slot_t *slot)
{
    log_error(log_of(slot), "gave_up", "component=%s why=%s", slot->component->program, slot->note);
    enter(slot, STATE_FAILED);
    if (slot->component->essential && !slot->was_ready) {
        char sentence[SLOT_NOTE_SIZE + 64];
        snprintf(sentence, sizeof sentence, "The %s cannot start: %s.", slot->component->name, slot->note);
        slot->options.events.on_hopeless(slot->options.context, sentence);
    }
}

/* what: how it ended; last_line: what it said last, may be "". */
static void restart_or_give_up(slot_t *slot, const char *what, const char *last_line)
{
    const char *separator = *last_line != '\0' ? ": " : "";
    uint64_t delay_ms;
    if (!restart_policy_died(&slot->policy, slot->started_ms, uv_now(slot->options.loop), &delay_ms)) {
        note(slot, "gave up after %d ends in %d s, see logs/%s; %s%s%s", RESTART_DEATHS,
             RESTART_WINDOW_MS / 1000, slot->component->log_name, what, separator, last_line);
        give_up(slot);
        return;
    }
    note(slot, "in %.1f s; %s%s%s", (double)delay_ms / 1000, what, separator, last_line);
    uv_timer_start(&slot->timer, start_now, delay_ms, 0);
    enter(slot, STATE_RESTARTING);
}

/* Somebody took its port between the launcher's check and its start. */
static bool port_is_taken(const slot_t *slot)
{
    return !slot->was_ready && listens(slot) &&
           port_check(endpoint_of(slot)->host, endpoint_of(slot)->port) == EADDRINUSE;
}

static void describe_end(const slot_t *slot, const child_end_t *end, char out[SLOT_WHAT_SIZE])
{
    if (slot->overdue)
        snprintf(out, SLOT_WHAT_SIZE, "not ready within %d s", SLOT_START_DEADLINE_MS / 1000);
    else if (end->signal != 0)
        snprintf(out, SLOT_WHAT_SIZE, "ended by signal %d (%s)", end->signal, strsignal(end->signal));
    else
        snprintf(out, SLOT_WHAT_SIZE, "ended with status %d", end->status);
}

static void on_ended(void *context, const child_end_t *end)
{
    slot_t *slot = context;
    char what[SLOT_WHAT_SIZE];

    slot->child = NULL;
    uv_timer_stop(&slot->timer);
    log_info(log_of(slot), "ended", "component=%s status=%d signal=%d last_line=%s", slot->component->program,
             end->status, end->signal, end->last_line);
    describe_end(slot, end, what);
    if (slot->stopping) {
        slot->note[0] = '\0';
        enter(slot, STATE_STOPPED);
        slot->options.events.on_stopped(slot->options.context);
    } else if (port_is_taken(slot)) {
        note(slot, "port %d is in use by another program", endpoint_of(slot)->port);
        give_up(slot);
    } else if (end->status == SLOT_BAD_SETTINGS) {
        note(slot, "%s", *end->last_line != '\0' ? end->last_line : "its settings are wrong");
        give_up(slot);
    } else {
        restart_or_give_up(slot, what, end->last_line);
    }
}

static void on_overdue(uv_timer_t *timer)
{
    slot_t *slot = timer->data;
    slot->overdue = true;
    child_signal(slot->child, SIGKILL);
}

static void on_ready(void *context, const ready_line_t *ready)
{
    slot_t *slot = context;
    if (slot->state != STATE_STARTING)
        return;
    uv_timer_stop(&slot->timer);
    slot->ready = *ready;
    slot->was_ready = true;
    slot->note[0] = '\0';
    /* When it is started again, it must be where the others look for it. */
    if (listens(slot) && ready->endpoint.port != 0)
        endpoint_of(slot)->port = ready->endpoint.port;
    log_info(log_of(slot), "ready", "component=%s port=%d", slot->component->program, ready->endpoint.port);
    enter(slot, STATE_RUNNING);
    slot->options.events.on_ready(slot->options.context);
}

static void on_log(void *context)
{
    slot_t *slot = context;
    slot->options.events.on_change(slot->options.context);
}

static int start_process(slot_t *slot)
{
    static const child_events_t events = {on_ready, on_log, on_ended};
    const slot_options_t *options = &slot->options;
    component_arguments_t arguments;

    component_arguments(options->id, options->path, options->endpoints, &arguments);
    char **environment = component_environment(options->id, environ);
    child_options_t child = {options->path, arguments.items, environment, &slot->log};
    int why = child_start(options->loop, &child, &events, slot, &slot->child);
    free(environment);
    component_arguments_free(&arguments);
    return why;
}

static void start_now(uv_timer_t *timer)
{
    slot_t *slot = timer->data;
    slot->overdue = false;
    slot->note[0] = '\0';
    slot->started_ms = uv_now(slot->options.loop);
    int why = start_process(slot);
    if (why != 0) {
        char what[SLOT_WHAT_SIZE];
        snprintf(what, sizeof what, "%s cannot be run (%s)", slot->component->program, strerror(why));
        log_error(log_of(slot), "not_run", "component=%s why=%s", slot->component->program, strerror(why));
        restart_or_give_up(slot, what, "");
        return;
    }
    log_info(log_of(slot), "started", "component=%s pid=%d", slot->component->program,
             child_pid(slot->child));
    uv_timer_start(&slot->timer, on_overdue, SLOT_START_DEADLINE_MS, 0);
    enter(slot, STATE_STARTING);
}

void slot_start(slot_t *slot)
{
    slot->state = STATE_STARTING;
    uv_timer_start(&slot->timer, start_now, 0, 0);
}

void slot_stop(slot_t *slot)
{
    slot->stopping = true;
    uv_timer_stop(&slot->timer);
    if (slot->child == NULL && slot->state != STATE_OFF && slot->state != STATE_FAILED)
        slot->state = STATE_STOPPED;
}

void slot_signal(slot_t *slot, int number)
{
    log_info(log_of(slot), "stopping", "component=%s signal=%d", slot->component->program, number);
    slot->state = STATE_STOPPING;
    child_signal(slot->child, number);
}

void slot_init(slot_t *slot, const slot_options_t *options, const char *obstacle)
{
    *slot = (slot_t){.options = *options, .component = component_get(options->id)};
    restart_policy_init(&slot->policy);
    uv_timer_init(options->loop, &slot->timer);
    slot->timer.data = slot;
    slot->log.descriptor = -1;
    if (obstacle != NULL) {
        slot->state = STATE_OFF;
        note(slot, "%s", obstacle);
        return;
    }
    slot->state = STATE_WAITING;
    if (slot->component->needs != COMPONENT_NONE)
        note(slot, "for the %s", component_get(slot->component->needs)->name);
    log_file_open(&slot->log, options->log_folder, slot->component->log_name, LOG_FILE_LIMIT);
}

void slot_close(slot_t *slot)
{
    uv_close((uv_handle_t *)&slot->timer, NULL);
}

void slot_free(slot_t *slot)
{
    log_file_close(&slot->log);
    free(slot->options.path);
}
