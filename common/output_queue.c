#include "output_queue.h"
#include "alloc.h"
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

typedef enum {
    QUEUE_OPEN,
    QUEUE_OVERFLOWED, /* on_overflow is due or was called */
    QUEUE_FAILED,     /* on_error was called */
    QUEUE_FREED,      /* the owner is gone */
} queue_state_t;

TAILQ_HEAD(queue_list, output_queue);

enum {
    HOLD_MS = 10,
    LARGE_BYTES = 2048, /* worth a write of its own */
    LARGE_TOGETHER =
        16, /* peers that sleep are woken once for so many, and their bytes are in the cache still */
    SPARES = LARGE_TOGETHER,
    SPARE_MOST = 16 * 1024, /* bytes of one */
};

/* The idle handle runs before the loop would wait, so one that is started anywhere in a turn ends the turn's
 * writing; stopped, it costs nothing. */
struct output_turn {
    uv_idle_t idle;
    uv_timer_t hold; /* every HOLD_MS while some are held */
    output_limits_t limits;
    const output_events_t *events;
    struct queue_list woken; /* large ones first */
    size_t count;            /* of woken */
    size_t large_count;      /* of them */
    struct queue_list held;
    bool tick; /* which one of two: those that were held before the last tick are due at the next */
    buffer_t spares[SPARES]; /* used last, so warm; taken from the end */
    size_t spare_count;
};

/* Kept small: a server holds one for each idle session. */
struct output_queue {
    output_turn_t *turn;
    TAILQ_ENTRY(output_queue) in_turn; /* woken or held */
    uv_stream_t *stream;
    void *context;
    buffer_t waiting;  /* not handed to the stream yet; no memory while empty */
    size_t accepted;   /* bytes of waiting that passed the limits */
    size_t dropped;    /* bytes that will never be written, since an overflow or an error */
    uv_timer_t *timer; /* runs while the soft limit is passed, else NULL */
    unsigned pins;     /* the owner, a write in flight, a callback that is on */
    queue_state_t state : 8;
    bool woken : 1;
    bool held : 1;    /* not woken meanwhile */
    bool held_at : 1; /* the tick */
    bool large : 1;   /* woken with enough for output_turn_write_large */
    bool starved : 1; /* overflowed because there was no memory for what was appended */
};

/* A write that the kernel did not take at once. At most one is in flight. */
typedef struct {
    uv_write_t request;
    output_queue_t *queue;
    char *data;
    size_t length; /* bytes of data that were left to write */
} late_write_t;

size_t output_queue_bytes(const output_queue_t *queue)
{
    return queue->state == QUEUE_FREED
               ? 0
               : queue->waiting.length + queue->dropped + uv_stream_get_write_queue_size(queue->stream);
}

static void unpin(output_queue_t *queue)
{
    if (--queue->pins == 0)
        free(queue);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void stop_timer(output_queue_t *queue)
{
    if (!queue->timer)
        return;
    uv_close((uv_handle_t *)queue->timer, on_timer_closed);
    queue->timer = NULL;
}

/* The next queue's bytes go where this one's were: into memory that is in the processor's cache. */
static void free_waiting(output_queue_t *queue)
{
    output_turn_t *turn = queue->turn;
    buffer_t *waiting = &queue->waiting;

    if (turn->spare_count < SPARES && waiting->capacity >= LARGE_BYTES && waiting->capacity <= SPARE_MOST &&
        !waiting->failed) {
        turn->spares[turn->spare_count++] = *waiting;
        buffer_init(waiting, 0);
    } else {
        buffer_free(waiting);
    }
    queue->accepted = 0;
}

static void take_spare(output_queue_t *queue)
{
    output_turn_t *turn = queue->turn;

    if (queue->waiting.data != NULL || queue->waiting.failed || turn->spare_count == 0)
        return;
    queue->waiting = turn->spares[--turn->spare_count];
    buffer_clear(&queue->waiting);
}

/* Nobody may take the dropped bytes for written ones. */
static void drop_waiting(output_queue_t *queue)
{
    queue->dropped += queue->waiting.length;
    free_waiting(queue);
}

static void stop_holding(output_queue_t *queue)
{
    if (!queue->held)
        return;
    queue->held = false;
    TAILQ_REMOVE(&queue->turn->held, queue, in_turn);
}

static void on_idle(uv_idle_t *idle);

static void wake(output_queue_t *queue)
{
    output_turn_t *turn = queue->turn;

    if (queue->woken)
        return;
    stop_holding(queue);
    queue->woken = true;
    TAILQ_INSERT_TAIL(&turn->woken, queue, in_turn);
    if (turn->count++ == 0)
        uv_idle_start(&turn->idle, on_idle);
}

static void sleep_on(output_queue_t *queue)
{
    output_turn_t *turn = queue->turn;

    stop_holding(queue);
    if (!queue->woken)
        return;
    turn->large_count -= queue->large;
    queue->woken = queue->large = false;
    TAILQ_REMOVE(&turn->woken, queue, in_turn);
    if (--turn->count == 0)
        uv_idle_stop(&turn->idle);
}

/* Nothing more is taken; the owner hears of it in the next turn. */
static void overflow(output_queue_t *queue)
{
    stop_timer(queue);
    drop_waiting(queue);
    queue->state = QUEUE_OVERFLOWED;
    wake(queue);
}

static void fail(output_queue_t *queue, int uv_err)
{
    stop_timer(queue);
    drop_waiting(queue);
    queue->state = QUEUE_FAILED;
    sleep_on(queue);
    queue->turn->events->on_error(queue->context, uv_err);
}

static void on_soft_time(uv_timer_t *timer)
{
    output_queue_t *queue = timer->data;

    if (output_queue_bytes(queue) > queue->turn->limits.soft_limit)
        overflow(queue);
    else
        stop_timer(queue);
}

/* Called before every append and after every write, so that each pause of the soft limit is seen. bytes: held now. */
static void check_soft_limit(output_queue_t *queue, size_t bytes)
{
    if (bytes <= queue->turn->limits.soft_limit)
        stop_timer(queue);
    else if (!queue->timer) {
        queue->timer = alloc_new(uv_timer_t);
        uv_timer_init(queue->stream->loop, queue->timer);
        queue->timer->data = queue;
        uv_timer_start(queue->timer, on_soft_time, queue->turn->limits.soft_ms, 0);
    }
}

static void on_written(uv_write_t *request, int status);

/* Hands what waits behind `offset` to libuv and lets the buffer start anew. */
static int write_late(output_queue_t *queue, size_t offset)
{
    size_t length;
    late_write_t *late = alloc_new(late_write_t);

    late->queue = queue;
    late->data = buffer_take(&queue->waiting, &length);
    queue->accepted = 0;
    late->length = length - offset;
    uv_buf_t rest = uv_buf_init(late->data + offset, (unsigned)late->length);
    int err = uv_write(&late->request, queue->stream, &rest, 1, on_written);
    if (err != 0) {
        free(late->data);
        free(late);
        return err;
    }
    queue->pins++;
    return 0;
}

/* 0 also when the kernel took only a part. */
static int write_waiting(output_queue_t *queue)
{
    uv_buf_t all = uv_buf_init(queue->waiting.data, (unsigned)queue->waiting.length);
    int written = uv_try_write(queue->stream, &all, 1);

    if (written == UV_EAGAIN)
        written = 0;
    if (written < 0)
        return written;
    if ((size_t)written < queue->waiting.length)
        return write_late(queue, (size_t)written);
    free_waiting(queue);
    return 0;
}

/* Writes what waits unless a write is in flight, whose end comes back here. */
static void pump(output_queue_t *queue)
{
    if (uv_stream_get_write_queue_size(queue->stream) > 0)
        return;
    if (queue->waiting.length > 0) {
        int err = write_waiting(queue);
        if (err != 0) {
            fail(queue, err);
            return;
        }
    }
    size_t bytes = output_queue_bytes(queue);
    check_soft_limit(queue, bytes);
    if (queue->turn->events->on_drain && bytes == 0)
        queue->turn->events->on_drain(queue->context);
}

static void on_written(uv_write_t *request, int status)
{
    late_write_t *late = (late_write_t *)request;
    output_queue_t *queue = late->queue;

    /* How much of it went out before it failed is not known: none of it counts as written. */
    if (status != 0)
        queue->dropped += late->length;
    free(late->data);
    free(late);
    /* ECANCELED: the owner has closed the stream and knows. */
    if (queue->state == QUEUE_OPEN && status == 0)
        pump(queue);
    else if (queue->state == QUEUE_OPEN && status != UV_ECANCELED)
        fail(queue, status);
    unpin(queue);
}

static void end_turn(output_queue_t *queue)
{
    sleep_on(queue);
    queue->pins++;
    if (queue->state == QUEUE_OVERFLOWED && queue->starved)
        fail(queue, UV_ENOMEM);
    else if (queue->state == QUEUE_OVERFLOWED)
        queue->turn->events->on_overflow(queue->context);
    else if (queue->state == QUEUE_OPEN)
        pump(queue);
    unpin(queue);
}

static void note_large(output_queue_t *queue)
{
    output_turn_t *turn = queue->turn;

    queue->large = true;
    turn->large_count++;
    TAILQ_REMOVE(&turn->woken, queue, in_turn);
    TAILQ_INSERT_HEAD(&turn->woken, queue, in_turn);
}

void output_turn_write_large(output_turn_t *turn)
{
    output_queue_t *queue;

    if (turn->large_count < LARGE_TOGETHER)
        return;
    while ((queue = TAILQ_FIRST(&turn->woken)) != NULL && queue->large)
        end_turn(queue);
}

/* Who is woken meanwhile has the next turn, or this one if others were freed: it comes to an end. */
static void on_idle(uv_idle_t *idle)
{
    output_turn_t *turn = idle->data;
    output_queue_t *queue;

    for (size_t left = turn->count; left > 0 && (queue = TAILQ_FIRST(&turn->woken)) != NULL; left--)
        end_turn(queue);
}

output_turn_t *output_turn_new(uv_loop_t *loop, output_limits_t limits, const output_events_t *events)
{
    output_turn_t *turn = alloc_new(output_turn_t);

    turn->limits = limits;
    turn->events = events;
    TAILQ_INIT(&turn->woken);
    uv_idle_init(loop, &turn->idle);
    turn->idle.data = turn;
    TAILQ_INIT(&turn->held);
    uv_timer_init(loop, &turn->hold);
    turn->hold.data = turn;
    return turn;
}

static void on_turn_closed(uv_handle_t *handle)
{
    output_turn_t *turn = handle->data;

    while (turn->spare_count > 0)
        buffer_free(&turn->spares[--turn->spare_count]);
    free(turn);
}

static void on_idle_closed(uv_handle_t *handle)
{
    output_turn_t *turn = handle->data;

    uv_close((uv_handle_t *)&turn->hold, on_turn_closed);
}

void output_turn_free(output_turn_t *turn)
{
    if (turn)
        uv_close((uv_handle_t *)&turn->idle, on_idle_closed);
}

output_queue_t *output_queue_new(output_turn_t *turn, uv_stream_t *stream, void *context)
{
    output_queue_t *queue = alloc_new(output_queue_t);

    queue->turn = turn;
    queue->stream = stream;
    queue->context = context;
    queue->pins = 1;
    buffer_init(&queue->waiting, 0); /* bounded by output_queue_flush */
    return queue;
}

void output_queue_free(output_queue_t *queue)
{
    if (!queue)
        return;
    /* A last word (why the session ends) that was queued in this turn still goes out if there is room. */
    if (queue->state == QUEUE_OPEN && queue->accepted > 0 && !uv_is_closing((uv_handle_t *)queue->stream)) {
        uv_buf_t rest = uv_buf_init(queue->waiting.data, (unsigned)queue->accepted);
        uv_try_write(queue->stream, &rest, 1);
    }
    stop_timer(queue);
    drop_waiting(queue);
    queue->state = QUEUE_FREED;
    sleep_on(queue);
    unpin(queue);
}

err_t output_queue_write(output_queue_t *queue, const char *data, size_t length)
{
    err_t err = buffer_append(output_queue_buffer(queue), data, length);

    output_queue_flush(queue);
    if (queue->state == QUEUE_OVERFLOWED)
        return ERR_TOO_SLOW;
    return queue->state == QUEUE_OPEN ? err : ERR_CLOSED;
}

/* What the kernel takes now, unless something is ahead of it. An error comes again with the rest. */
static size_t write_through(output_queue_t *queue, const char *data, size_t length)
{
    if (queue->state != QUEUE_OPEN || output_queue_bytes(queue) > 0)
        return 0;
    uv_buf_t all = uv_buf_init((char *)data, (unsigned)length);
    int written = uv_try_write(queue->stream, &all, 1);
    return written > 0 ? (size_t)written : 0;
}

err_t output_queue_write_now(output_queue_t *queue, const char *data, size_t length)
{
    size_t taken = write_through(queue, data, length);

    if (taken == length)
        return ERR_OK;
    err_t err = output_queue_write(queue, data + taken, length - taken);
    if (err == ERR_NO_MEMORY && taken > 0)
        overflow(queue); /* nothing may follow half a line */
    return err;
}

buffer_t *output_queue_buffer(output_queue_t *queue)
{
    if (queue->timer)
        check_soft_limit(queue, output_queue_bytes(queue));
    take_spare(queue);
    return &queue->waiting;
}

void output_queue_flush(output_queue_t *queue)
{
    if (queue->state != QUEUE_OPEN) {
        drop_waiting(queue);
        return;
    }
    size_t bytes = output_queue_bytes(queue);
    /* A frame that lacks its end, or is missing, must not look like a whole conversation. */
    queue->starved = queue->waiting.failed;
    if (queue->starved || bytes > queue->turn->limits.hard_limit) {
        overflow(queue);
        return;
    }
    queue->accepted = queue->waiting.length;
    check_soft_limit(queue, bytes);
    if (queue->held)
        return;
    wake(queue);
    if (!queue->large && queue->accepted >= LARGE_BYTES)
        note_large(queue);
}

static void on_hold(uv_timer_t *timer)
{
    output_turn_t *turn = timer->data;
    output_queue_t *queue;

    while ((queue = TAILQ_FIRST(&turn->held)) != NULL && queue->held_at != turn->tick)
        output_queue_release(queue);
    turn->tick = !turn->tick;
    if (TAILQ_EMPTY(&turn->held))
        uv_timer_stop(timer);
}

void output_queue_hold(output_queue_t *queue)
{
    output_turn_t *turn = queue->turn;

    if (queue->state != QUEUE_OPEN || !queue->woken || uv_stream_get_write_queue_size(queue->stream) > 0)
        return;
    sleep_on(queue);
    queue->held = true;
    queue->held_at = turn->tick;
    TAILQ_INSERT_TAIL(&turn->held, queue, in_turn);
    if (!uv_is_active((uv_handle_t *)&turn->hold))
        uv_timer_start(&turn->hold, on_hold, HOLD_MS, HOLD_MS);
}

void output_queue_release(output_queue_t *queue)
{
    if (queue->held)
        wake(queue);
}
