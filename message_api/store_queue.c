#include "store_queue.h"
#include "../common/alloc.h"
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    BATCH_REQUESTS = 512,
    BATCH_MESSAGES = 1024,
    BATCH_BYTES = 8 * 1024 * 1024,
    DRAIN_MS = 2000,
    LEAVE_MS = 1000, /* and for what the threads are at then */
    THREADS = 1 + BACKEND_READERS,
};

#define SECOND_NS        UINT64_C(1000000000)
#define PURGE_FIRST_NS   SECOND_NS
#define PURGE_AGAIN_NS   (SECOND_NS / 10)
#define PURGE_IDLE_NS    (60 * SECOND_NS)
#define TOMBSTONE_MICROS (STORE_TOMBSTONE_DAYS * INT64_C(86400000000))

typedef struct {
    store_request_t *first, *last;
} list_t;

typedef struct {
    store_queue_t *queue;
    uv_thread_t thread;
    unsigned number; /* of a reader */
} worker_t;

struct store_queue {
    const store_backend_t *backend;
    void *state;
    store_queue_limits_t limits;

    /* The loop's. */
    uv_loop_t *loop;
    /* Threads have put requests into `done`, or have ended. No uv_async_t: a loop that wakes before its sender goes
     * on, as it does on the same core, would spin until then. */
    uv_poll_t returned;
    uv_timer_t deadline;
    uv_timer_t drain;
    unsigned open_handles;
    store_request_t *oldest, *newest; /* unanswered */
    size_t requests, bytes;           /* that have not come back */
    bool closing, stopping;
    store_closed_cb closed;
    void *closed_context;

    worker_t workers[THREADS]; /* [0] is the writer */

    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t write_waits, read_waits;
    list_t writes, reads, done;
    bool stop;
    unsigned running;
    bool ended;    /* the last thread has closed the backend */
    bool released; /* the loop's handles are closed: the other side frees all this */

    /* Guards the loop's being woken. Taken behind the other one or alone: a loop that wakes at once, before the thread
     * that woke it goes on, must not meet what that holds. */
    uv_mutex_t wake_mutex;
    int wake;  /* eventfd */
    bool left; /* the loop waits no more for the end */
};

static void list_append(list_t *list, store_request_t *request)
{
    request->next = NULL;
    if (list->last != NULL)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
}

static store_request_t *list_take(list_t *list)
{
    store_request_t *request = list->first;
    if (request != NULL) {
        list->first = request->next;
        if (list->first == NULL)
            list->last = NULL;
    }
    return request;
}

static void queue_free(store_queue_t *queue)
{
    store_request_t *request;
    while ((request = list_take(&queue->done)) != NULL)
        request_free(request);
    uv_cond_destroy(&queue->write_waits);
    uv_cond_destroy(&queue->read_waits);
    uv_mutex_destroy(&queue->mutex);
    uv_mutex_destroy(&queue->wake_mutex);
    free(queue);
}

/* --- the threads --- */

static void wake_loop(store_queue_t *queue)
{
    uv_mutex_lock(&queue->wake_mutex);
    if (!queue->left)
        eventfd_write(queue->wake, 1);
    uv_mutex_unlock(&queue->wake_mutex);
}

/* With the mutex held. Requests nobody waits for go back untouched. */
static store_request_t *take_wanted(store_queue_t *queue, list_t *list)
{
    store_request_t *request;
    while ((request = list_take(list)) != NULL && atomic_load(&request->cancelled)) {
        request->err = ERR_STORE_UNAVAILABLE;
        list_append(&queue->done, request);
        wake_loop(queue);
    }
    return request;
}

/* With the mutex held. */
static size_t take_batch(store_queue_t *queue, store_request_t **batch)
{
    size_t count = 0, messages = 0, bytes = 0;
    while (count < BATCH_REQUESTS && messages < BATCH_MESSAGES && bytes < BATCH_BYTES) {
        store_request_t *request = take_wanted(queue, &queue->writes);
        if (request == NULL)
            break;
        batch[count++] = request;
        messages += request->kind == REQUEST_PUT || request->kind == REQUEST_CLAIM ? request->count : 1;
        bytes += request->bytes;
    }
    return count;
}

static void give_back(store_queue_t *queue, store_request_t **batch, size_t count)
{
    uv_mutex_lock(&queue->mutex);
    for (size_t i = 0; i < count; i++)
        list_append(&queue->done, batch[i]);
    uv_mutex_unlock(&queue->mutex);
    wake_loop(queue);
}

/* The last thread closes the backend, for that may take the disk's time. */
static void worker_end(store_queue_t *queue)
{
    uv_mutex_lock(&queue->mutex);
    bool last = --queue->running == 0;
    uv_mutex_unlock(&queue->mutex);
    if (!last)
        return;
    queue->backend->close(queue->state);
    uv_mutex_lock(&queue->mutex);
    queue->ended = true;
    wake_loop(queue);
    bool released = queue->released;
    uv_mutex_unlock(&queue->mutex);
    if (released)
        queue_free(queue);
}

/* Waits until there is something to write, to purge, or the end; returns the size of the batch. */
static size_t writer_wait(store_queue_t *queue, uint64_t purge_at, store_request_t **batch, bool *stop)
{
    size_t count;
    uv_mutex_lock(&queue->mutex);
    for (;;) {
        count = take_batch(queue, batch);
        *stop = queue->stop && count == 0;
        uint64_t now = uv_hrtime();
        if (count > 0 || *stop || now >= purge_at)
            break;
        uv_cond_timedwait(&queue->write_waits, &queue->mutex, purge_at - now);
    }
    uv_mutex_unlock(&queue->mutex);
    return count;
}

static void writer_run(void *argument)
{
    worker_t *worker = argument;
    store_queue_t *queue = worker->queue;
    store_request_t *batch[BATCH_REQUESTS];
    uint64_t purge_at = uv_hrtime() + PURGE_FIRST_NS;
    for (;;) {
        bool stop;
        size_t count = writer_wait(queue, purge_at, batch, &stop);
        if (stop)
            break;
        if (count > 0) {
            queue->backend->write(queue->state, batch, count);
            give_back(queue, batch, count);
        }
        if (uv_hrtime() >= purge_at) {
            bool more = queue->backend->purge(queue->state, timestamp_now() - TOMBSTONE_MICROS);
            purge_at = uv_hrtime() + (more ? PURGE_AGAIN_NS : PURGE_IDLE_NS);
        }
    }
    worker_end(queue);
}

static void reader_run(void *argument)
{
    worker_t *worker = argument;
    store_queue_t *queue = worker->queue;
    for (;;) {
        uv_mutex_lock(&queue->mutex);
        store_request_t *request;
        while ((request = take_wanted(queue, &queue->reads)) == NULL && !queue->stop)
            uv_cond_wait(&queue->read_waits, &queue->mutex);
        uv_mutex_unlock(&queue->mutex);
        if (request == NULL)
            break;
        queue->backend->read(queue->state, worker->number, request);
        give_back(queue, &request, 1);
    }
    worker_end(queue);
}

/* --- the loop's side --- */

static void unanswered_remove(store_queue_t *queue, store_request_t *request)
{
    if (request->older != NULL)
        request->older->newer = request->newer;
    else
        queue->oldest = request->newer;
    if (request->newer != NULL)
        request->newer->older = request->older;
    else
        queue->newest = request->older;
}

static void unanswered_append(store_queue_t *queue, store_request_t *request)
{
    request->newer = NULL;
    request->older = queue->newest;
    if (queue->newest != NULL)
        queue->newest->newer = request;
    else
        queue->oldest = request;
    queue->newest = request;
}

/* Answers a request that the threads still have. */
static void give_up(store_queue_t *queue, store_request_t *request)
{
    unanswered_remove(queue, request);
    request->answered = true;
    atomic_store(&request->cancelled, true);
    request_answer(request, ERR_STORE_UNAVAILABLE, false);
}

static void on_deadline(uv_timer_t *timer)
{
    store_queue_t *queue = timer->data;
    uint64_t now = uv_now(queue->loop);
    while (queue->oldest != NULL && queue->oldest->deadline <= now)
        give_up(queue, queue->oldest);
    if (queue->oldest != NULL && !uv_is_closing((uv_handle_t *)timer))
        uv_timer_start(timer, on_deadline, queue->oldest->deadline - now, 0);
}

static void stop_threads(store_queue_t *queue)
{
    if (queue->stopping)
        return;
    queue->stopping = true;
    uv_mutex_lock(&queue->mutex);
    queue->stop = true;
    uv_cond_broadcast(&queue->write_waits);
    uv_cond_broadcast(&queue->read_waits);
    uv_mutex_unlock(&queue->mutex);
}

static void on_handle_closed(uv_handle_t *handle)
{
    store_queue_t *queue = handle->data;
    if (--queue->open_handles > 0)
        return;
    store_closed_cb closed = queue->closed;
    void *context = queue->closed_context;
    close(queue->wake);
    uv_mutex_lock(&queue->mutex);
    queue->released = true;
    bool ended = queue->ended;
    uv_mutex_unlock(&queue->mutex);
    if (ended)
        queue_free(queue);
    if (closed != NULL)
        closed(context, ended);
}

static void close_handles(store_queue_t *queue)
{
    if (uv_is_closing((uv_handle_t *)&queue->returned))
        return;
    uv_close((uv_handle_t *)&queue->returned, on_handle_closed);
    uv_close((uv_handle_t *)&queue->deadline, on_handle_closed);
    uv_close((uv_handle_t *)&queue->drain, on_handle_closed);
}

static void on_ended(store_queue_t *queue)
{
    for (unsigned i = 0; i < THREADS; i++)
        uv_thread_join(&queue->workers[i].thread);
    close_handles(queue);
}

/* The database still hangs. Everybody was answered, so nobody is helped by waiting for it. */
static void on_leave(uv_timer_t *timer)
{
    store_queue_t *queue = timer->data;
    uv_mutex_lock(&queue->mutex);
    uv_mutex_lock(&queue->wake_mutex);
    bool left = queue->left = !queue->ended;
    uv_mutex_unlock(&queue->wake_mutex);
    uv_mutex_unlock(&queue->mutex);
    if (!left)
        return; /* on_returned comes */
    for (unsigned i = 0; i < THREADS; i++)
        pthread_detach(queue->workers[i].thread);
    close_handles(queue);
}

static void on_drain_timeout(uv_timer_t *timer)
{
    store_queue_t *queue = timer->data;
    while (queue->oldest != NULL)
        give_up(queue, queue->oldest);
    stop_threads(queue);
    uv_timer_start(timer, on_leave, LEAVE_MS, 0);
}

static void take_back(store_queue_t *queue, store_request_t *request)
{
    queue->requests--;
    queue->bytes -= request->bytes;
    if (!request->answered) {
        unanswered_remove(queue, request);
        request_answer(request, request->err, true);
    }
    request_free(request);
}

static void on_returned(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    store_queue_t *queue = poll->data;
    eventfd_t times;
    eventfd_read(queue->wake, &times);
    uv_mutex_lock(&queue->mutex);
    list_t done = queue->done;
    queue->done = (list_t){NULL, NULL};
    bool ended = queue->ended;
    uv_mutex_unlock(&queue->mutex);

    store_request_t *request;
    while ((request = list_take(&done)) != NULL)
        take_back(queue, request);
    if (queue->closing && queue->requests == 0)
        stop_threads(queue);
    if (ended)
        on_ended(queue);
}

err_t store_queue_submit(store_queue_t *queue, store_request_t *request)
{
    if (queue->closing)
        return ERR_CLOSED;
    if (queue->requests >= queue->limits.requests || queue->bytes + request->bytes > queue->limits.bytes)
        return ERR_BUSY;
    queue->requests++;
    queue->bytes += request->bytes;
    request->deadline = uv_now(queue->loop) + queue->limits.deadline_ms;
    unanswered_append(queue, request);
    if (!uv_is_active((uv_handle_t *)&queue->deadline))
        uv_timer_start(&queue->deadline, on_deadline, queue->limits.deadline_ms, 0);

    bool is_read = request->kind == REQUEST_READ;
    uv_mutex_lock(&queue->mutex);
    list_append(is_read ? &queue->reads : &queue->writes, request);
    uv_mutex_unlock(&queue->mutex);
    /* Behind the mutex, which the thread that wakes wants first. */
    uv_cond_signal(is_read ? &queue->read_waits : &queue->write_waits);
    return ERR_OK;
}

void store_queue_close(store_queue_t *queue, store_closed_cb closed, void *context)
{
    if (queue->closing)
        return;
    queue->closing = true;
    queue->closed = closed;
    queue->closed_context = context;
    uv_timer_start(&queue->drain, on_drain_timeout, DRAIN_MS, 0);
    if (queue->requests == 0)
        stop_threads(queue);
}

static void start_threads(store_queue_t *queue)
{
    queue->running = THREADS;
    for (unsigned i = 0; i < THREADS; i++) {
        worker_t *worker = &queue->workers[i];
        worker->queue = queue;
        worker->number = i == 0 ? 0 : i - 1;
        /* Four threads at the start of the program: no machine that lacks them can run it. */
        if (uv_thread_create(&worker->thread, i == 0 ? writer_run : reader_run, worker) != 0)
            abort();
    }
}

err_t store_queue_open(uv_loop_t *loop, const store_backend_t *backend, void *state,
                       const store_queue_limits_t *limits, store_queue_t **out)
{
    store_queue_t *queue = alloc_new(store_queue_t);
    queue->backend = backend;
    queue->state = state;
    queue->limits = *limits;
    queue->loop = loop;
    queue->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (queue->wake < 0 || uv_poll_init(loop, &queue->returned, queue->wake) != 0) {
        close(queue->wake);
        free(queue);
        return ERR_IO;
    }
    uv_timer_init(loop, &queue->deadline);
    uv_timer_init(loop, &queue->drain);
    queue->returned.data = queue->deadline.data = queue->drain.data = queue;
    queue->open_handles = 3;
    uv_poll_start(&queue->returned, UV_READABLE, on_returned);
    if (uv_mutex_init(&queue->mutex) != 0 || uv_mutex_init(&queue->wake_mutex) != 0 ||
        uv_cond_init(&queue->write_waits) != 0 || uv_cond_init(&queue->read_waits) != 0)
        abort();
    start_threads(queue);
    *out = queue;
    return ERR_OK;
}
