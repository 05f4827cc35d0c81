/* Where the table is shown. On a terminal it is drawn again in place; anywhere else, what changed is printed as plain
 * lines. Never blocks: the output of the whole suite passes through this process, and a terminal that was stopped
 * by Ctrl-S must not stop the suite. */
#ifndef P2P_SCREEN_H
#define P2P_SCREEN_H
#include "../common/buffer.h"
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct screen screen_t;

/* Asked for what is to be drawn now: on a terminal the whole picture, at most `width` columns wide, else what is
 * new since it was asked last. */
typedef void (*screen_draw_cb)(void *context, buffer_t *out, size_t width);

/* On descriptor 1. */
screen_t *screen_new(uv_loop_t *loop, screen_draw_cb on_draw, void *context);
bool screen_is_terminal(const screen_t *screen);
bool screen_has_colour(const screen_t *screen);
/* Something has changed: on_draw follows, now or as soon as what was drawn last is out. */
void screen_update(screen_t *screen);
/* Gives up what is not out yet; frees itself. Accepts NULL. */
void screen_close(screen_t *screen);

#endif
