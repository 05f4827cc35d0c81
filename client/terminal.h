/* A person's terminal: readline on the loop. What is printed goes above the line that is being typed, which
 * stays as it is. Only one at a time (readline has one state). Owns the terminal's mode and the history. */
#ifndef P2P_CLIENT_TERMINAL_H
#define P2P_CLIENT_TERMINAL_H
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct terminal terminal_t;

typedef struct {
    void (*on_line)(void *context, const char *line, size_t length);
    void (*on_end)(void *context); /* Ctrl-D, or the terminal is gone; at most once */
    /* The next completion (to be freed) of the line's first word, NULL at the end; first = a new word. */
    char *(*complete)(void *context, const char *word, bool first);
    void (*on_closed)(void *context);
} terminal_events_t;

terminal_t *terminal_open(uv_loop_t *loop, const terminal_events_t *events, void *context);
/* on_closed follows. */
void terminal_close(terminal_t *terminal);
void terminal_set_prompt(terminal_t *terminal, const char *prompt);
/* Whether lines go into the history from now on (off at first). */
void terminal_keep_history(terminal_t *terminal, bool keep);
/* Whole lines, harmless ones: they are written as they are. */
void terminal_print(terminal_t *terminal, const char *text, size_t length);
/* Ctrl-C: drops the line being typed; false when there is none. */
bool terminal_drop_line(terminal_t *terminal);
/* The window has another size. */
void terminal_resized(terminal_t *terminal);
/* Ctrl-Z: gives the terminal back, stops the process, and takes it again. */
void terminal_suspend(terminal_t *terminal);
int terminal_columns(void);

#endif
