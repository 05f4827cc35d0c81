#include "supervisor.h"
#include "../common/alloc.h"
#include <signal.h>
#include <stdlib.h>

enum { LEVELS = 3 };

/* When what still runs of a level is killed, counted from the stop. Usually all end in milliseconds; the chat server
 * may need 3 s to store what is under way, the others have little to do. The daemon's own limit (DAEMON_STOP_MS)
 * lies behind the last. */
static const uint64_t kill_after_ms[LEVELS] = {4300, 4000, 1000};

struct supervisor {
    uv_loop_t *loop;
    supervisor_events_t events;
    void *context;
    slot_t slots[COMPONENT_COUNT];
    endpoint_t endpoints[COMPONENT_COUNT];
    uv_signal_t child_signal;
    uv_timer_t stop_timer;
    uint64_t stopping_since_ms;
    int level; /* that is being stopped; LEVELS = none yet */
    bool stopping;
};

static void on_child_signal(uv_signal_t *handle, int number)
{
    supervisor_t *supervisor = handle->data;
    (void)number;
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        if (supervisor->slots[i].child != NULL)
            child_reap(supervisor->slots[i].child);
    }
}

static void start_what_can(supervisor_t *supervisor)
{
    for (int i = 0; i < COMPONENT_COUNT && !supervisor->stopping; i++) {
        slot_t *slot = &supervisor->slots[i];
        component_id_t needs = slot->component->needs;
        if (slot->state == STATE_WAITING &&
            (needs == COMPONENT_NONE || supervisor->slots[needs].state == STATE_RUNNING))
            slot_start(slot);
    }
}

/* Stopping, level by level */

static bool is_of_level(const supervisor_t *supervisor, int i)
{
    return supervisor->slots[i].child != NULL && component_level((component_id_t)i) == supervisor->level;
}

static int signal_level(supervisor_t *supervisor, int number)
{
    int signalled = 0;
    for (int i = COMPONENT_COUNT - 1; i >= 0; i--) {
        if (!is_of_level(supervisor, i))
            continue;
        slot_signal(&supervisor->slots[i], number);
        signalled++;
    }
    return signalled;
}

static void on_level_overdue(uv_timer_t *timer)
{
    signal_level(timer->data, SIGKILL);
}

static bool level_runs(const supervisor_t *supervisor)
{
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        if (is_of_level(supervisor, i))
            return true;
    }
    return false;
}

static void close_handles(supervisor_t *supervisor)
{
    for (int i = 0; i < COMPONENT_COUNT; i++)
        slot_close(&supervisor->slots[i]);
    uv_close((uv_handle_t *)&supervisor->child_signal, NULL);
    uv_close((uv_handle_t *)&supervisor->stop_timer, NULL);
}

static void stop_next_level(supervisor_t *supervisor)
{
    while (supervisor->level > 0) {
        supervisor->level--;
        if (signal_level(supervisor, SIGTERM) == 0)
            continue;
        uint64_t passed = uv_now(supervisor->loop) - supervisor->stopping_since_ms;
        uint64_t limit = kill_after_ms[supervisor->level];
        uv_timer_start(&supervisor->stop_timer, on_level_overdue, limit > passed ? limit - passed : 0, 0);
        supervisor->events.on_change(supervisor->context);
        return;
    }
    close_handles(supervisor);
    supervisor->events.on_stopped(supervisor->context);
}

void supervisor_stop(supervisor_t *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->stopping_since_ms = uv_now(supervisor->loop);
    for (int i = 0; i < COMPONENT_COUNT; i++)
        slot_stop(&supervisor->slots[i]);
    stop_next_level(supervisor);
}

/* What the slots tell */

static void on_slot_change(void *context)
{
    supervisor_t *supervisor = context;
    supervisor->events.on_change(supervisor->context);
}

static void on_slot_ready(void *context)
{
    start_what_can(context);
}

static void on_slot_hopeless(void *context, const char *sentence)
{
    supervisor_t *supervisor = context;
    supervisor->events.on_hopeless(supervisor->context, sentence);
}

static void on_slot_stopped(void *context)
{
    supervisor_t *supervisor = context;
    if (!level_runs(supervisor))
        stop_next_level(supervisor);
}

/* Making and freeing */

static void init_slot(supervisor_t *supervisor, component_id_t id, const supervisor_options_t *options)
{
    slot_options_t slot = {
        .id = id,
        .loop = supervisor->loop,
        .path = alloc_format("%s/%s", options->programs, component_get(id)->program),
        .endpoints = supervisor->endpoints,
        .log_folder = options->log_folder,
        .launcher_log = options->log,
        .events = {on_slot_change, on_slot_ready, on_slot_stopped, on_slot_hopeless},
        .context = supervisor,
    };
    slot_init(&supervisor->slots[id], &slot, component_obstacle(id, options->config, slot.path));
}

supervisor_t *supervisor_new(uv_loop_t *loop, const supervisor_options_t *options,
                             const supervisor_events_t *events, void *context)
{
    supervisor_t *supervisor = alloc_new(supervisor_t);
    supervisor->loop = loop;
    supervisor->events = *events;
    supervisor->context = context;
    supervisor->level = LEVELS;
    component_endpoints(options->config, supervisor->endpoints);
    uv_timer_init(loop, &supervisor->stop_timer);
    supervisor->stop_timer.data = supervisor;
    uv_signal_init(loop, &supervisor->child_signal);
    supervisor->child_signal.data = supervisor;
    for (int i = 0; i < COMPONENT_COUNT; i++)
        init_slot(supervisor, (component_id_t)i, options);
    return supervisor;
}

void supervisor_start(supervisor_t *supervisor)
{
    uv_signal_start(&supervisor->child_signal, on_child_signal, SIGCHLD);
    start_what_can(supervisor);
}

void supervisor_free(supervisor_t *supervisor)
{
    if (supervisor == NULL)
        return;
    for (int i = 0; i < COMPONENT_COUNT; i++)
        slot_free(&supervisor->slots[i]);
    free(supervisor);
}

const slot_t *supervisor_slot(const supervisor_t *supervisor, component_id_t id)
{
    return &supervisor->slots[id];
}

const endpoint_t *supervisor_endpoint(const supervisor_t *supervisor, component_id_t id)
{
    return &supervisor->endpoints[id];
}

bool supervisor_is_settled(const supervisor_t *supervisor)
{
    if (supervisor->slots[COMPONENT_SERVER].state != STATE_RUNNING)
        return false;
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        component_state_t state = supervisor->slots[i].state;
        if (state != STATE_RUNNING && state != STATE_FAILED && state != STATE_OFF)
            return false;
    }
    return true;
}
