#include "screen.h"
#include "../common/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SCREEN_DEFAULT_WIDTH = 80,
    SCREEN_UPDATE_MS = 20, /* changes that come together are drawn together */
};

struct screen {
    union {
        uv_stream_t stream;
        uv_tty_t tty;
        uv_pipe_t pipe;
    } out; /* unused for files */
    uv_handle_type type;
    uv_timer_t timer;
    uv_signal_t resized; /* of a terminal only */
    uv_write_t write;
    char *writing; /* what write has not finished; owned */
    size_t lines;  /* drawn last */
    int flags;     /* of descriptor 1 as they were */
    bool dirty, closing;
    int open_handles;
    screen_draw_cb on_draw;
    void *context;
};

bool screen_is_terminal(const screen_t *screen)
{
    return screen->type == UV_TTY;
}

bool screen_has_colour(const screen_t *screen)
{
    return screen_is_terminal(screen) && getenv("NO_COLOR") == NULL;
}

static size_t width_of(screen_t *screen)
{
    int width, height;
    if (uv_tty_get_winsize(&screen->out.tty, &width, &height) != 0 || width <= 0)
        return SCREEN_DEFAULT_WIDTH;
    return (size_t)width;
}

/* Up to where the picture begins, each line wiped to its end, and whatever was below it. */
static void place(screen_t *screen, const buffer_t *picture, buffer_t *out)
{
    const char *line = buffer_text(picture);
    if (screen->lines > 0)
        buffer_appendf(out, "\033[%zuA", screen->lines);
    buffer_append_text(out, "\r");
    screen->lines = 0;
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        buffer_append(out, line, length);
        buffer_append_text(out, "\033[K\n");
        screen->lines++;
        line += length + (line[length] == '\n');
    }
    buffer_append_text(out, "\033[J");
}

static void on_written(uv_write_t *write, int status)
{
    screen_t *screen = write->data;
    free(screen->writing);
    screen->writing = NULL;
    /* Nobody looks any more (the terminal is gone, the pipe's reader left): the suite goes on. */
    if (status == 0 && screen->dirty && !screen->closing)
        screen_update(screen);
}

static void write_file(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, data, length);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        }
    }
}

static void send_out(screen_t *screen, buffer_t *out)
{
    size_t length;
    if (out->length == 0 || screen->type == UV_FILE) {
        write_file(buffer_text(out), out->length);
        buffer_free(out);
        return;
    }
    screen->writing = buffer_take(out, &length);
    screen->write.data = screen;
    uv_buf_t piece = uv_buf_init(screen->writing, (unsigned)length);
    if (uv_write(&screen->write, &screen->out.stream, &piece, 1, on_written) != 0) {
        free(screen->writing);
        screen->writing = NULL;
    }
}

static void draw(screen_t *screen)
{
    buffer_t picture, placed;
    screen->dirty = false;
    buffer_init(&picture, 0);
    if (!screen_is_terminal(screen)) {
        screen->on_draw(screen->context, &picture, 0);
        send_out(screen, &picture);
        return;
    }
    screen->on_draw(screen->context, &picture, width_of(screen));
    buffer_init(&placed, 0);
    place(screen, &picture, &placed);
    buffer_free(&picture);
    send_out(screen, &placed);
}

static void on_time(uv_timer_t *timer)
{
    screen_t *screen = timer->data;
    if (screen->writing == NULL)
        draw(screen);
}

void screen_update(screen_t *screen)
{
    screen->dirty = true;
    if (!uv_is_active((uv_handle_t *)&screen->timer))
        uv_timer_start(&screen->timer, on_time, SCREEN_UPDATE_MS, 0);
}

/* The terminal has broken the old lines anew, nobody knows how: draw below them. */
static void on_resized(uv_signal_t *handle, int number)
{
    screen_t *screen = handle->data;
    (void)number;
    screen->lines = 0;
    screen_update(screen);
}

/* Making and closing */

static void on_handle_closed(uv_handle_t *handle)
{
    screen_t *screen = handle->data;
    screen->open_handles--;
    if (screen->closing && screen->open_handles == 0) {
        free(screen->writing);
        free(screen);
    }
}

static void own(screen_t *screen, uv_handle_t *handle)
{
    handle->data = screen;
    screen->open_handles++;
}

static bool is_capable(const char *terminal)
{
    return terminal != NULL && *terminal != '\0' && strcmp(terminal, "dumb") != 0;
}

/* Leaves type UV_FILE for whatever can only be written to plainly. */
static void open_output(screen_t *screen, uv_loop_t *loop)
{
    uv_handle_type type = uv_guess_handle(STDOUT_FILENO);
    screen->type = UV_FILE;
    screen->flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (type == UV_TTY && is_capable(getenv("TERM"))) {
        if (uv_tty_init(loop, &screen->out.tty, STDOUT_FILENO, 0) != 0)
            return;
        screen->type = UV_TTY;
        own(screen, (uv_handle_t *)&screen->out.tty);
    } else if (type == UV_NAMED_PIPE) {
        uv_pipe_init(loop, &screen->out.pipe, 0);
        own(screen, (uv_handle_t *)&screen->out.pipe);
        if (uv_pipe_open(&screen->out.pipe, STDOUT_FILENO) == 0)
            screen->type = UV_NAMED_PIPE;
        else
            uv_close((uv_handle_t *)&screen->out.pipe, on_handle_closed);
    }
}

screen_t *screen_new(uv_loop_t *loop, screen_draw_cb on_draw, void *context)
{
    screen_t *screen = alloc_new(screen_t);
    screen->on_draw = on_draw;
    screen->context = context;
    uv_timer_init(loop, &screen->timer);
    own(screen, (uv_handle_t *)&screen->timer);
    uv_signal_init(loop, &screen->resized);
    own(screen, (uv_handle_t *)&screen->resized);
    open_output(screen, loop);
    if (screen_is_terminal(screen))
        uv_signal_start(&screen->resized, on_resized, SIGWINCH);
    return screen;
}

void screen_close(screen_t *screen)
{
    if (screen == NULL)
        return;
    if (screen->dirty && screen->writing == NULL)
        draw(screen);
    screen->closing = true;
    if (screen->type != UV_FILE)
        uv_close((uv_handle_t *)&screen->out, on_handle_closed);
    uv_close((uv_handle_t *)&screen->timer, on_handle_closed);
    uv_close((uv_handle_t *)&screen->resized, on_handle_closed);
    /* Others may write there after us, and expect it to block. */
    if (screen->flags >= 0)
        (void)fcntl(STDOUT_FILENO, F_SETFL, screen->flags);
}
