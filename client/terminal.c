#include "terminal.h"
#include "common/alloc.h"
#include "history_file.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
/* readline's headers need stdio.h before them */
#include <readline/readline.h>

enum { DEFAULT_COLUMNS = 80, LEAST_COLUMNS = 24 };

struct terminal {
    uv_poll_t input;
    uv_prepare_t before_wait; /* puts the typed line back, once for all that was printed in a turn */
    int open_handles;
    terminal_events_t events;
    void *context;
    char *history_path;
    bool installed;    /* readline has the terminal */
    bool hidden;       /* the typed line is off the screen */
    bool in_handler;   /* a line has just ended: there is none to hide */
    bool keep_history; /* lines are messages, not names */
    bool closing;
};

/* readline calls back without a context: it has one state, so there is one terminal. */
static terminal_t *active;

static void show_line(terminal_t *terminal)
{
    if (!terminal->hidden)
        return;
    terminal->hidden = false;
    rl_on_new_line();
    rl_redisplay();
}

static void release(terminal_t *terminal)
{
    if (terminal->installed)
        rl_callback_handler_remove();
    terminal->installed = false;
}

static void on_typed(char *line)
{
    terminal_t *terminal = active;
    terminal->in_handler = true;
    if (line) {
        if (terminal->keep_history && line[0])
            history_file_add(terminal->history_path, line);
        terminal->events.on_line(terminal->context, line, strlen(line));
    } else {
        release(terminal);
        uv_poll_stop(&terminal->input);
        fputc('\n', stdout);
        terminal->events.on_end(terminal->context);
    }
    terminal->in_handler = false;
    free(line);
}

static char *next_completion(const char *word, int state)
{
    return active->events.complete(active->context, word, state == 0);
}

static char **complete(const char *word, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1; /* no file names */
    return start == 0 ? rl_completion_matches(word, next_completion) : NULL;
}

static void on_input(uv_poll_t *handle, int status, int events)
{
    (void)status; /* a terminal that is gone reads as the end */
    (void)events;
    terminal_t *terminal = handle->data;
    show_line(terminal);
    rl_callback_read_char();
}

static void on_before_wait(uv_prepare_t *handle)
{
    show_line(handle->data);
    fflush(stdout);
}

static void set_up_readline(void)
{
    rl_readline_name = "p2p-client";
    rl_instream = stdin;
    rl_outstream = stdout;
    rl_catch_signals = 0; /* the loop has them */
    rl_catch_sigwinch = 0;
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t";
    rl_completion_query_items = 0; /* questions would stop the loop */
    rl_variable_bind("page-completions", "off");
    rl_variable_bind("completion-ignore-case", "on");
}

terminal_t *terminal_open(uv_loop_t *loop, const terminal_events_t *events, void *context)
{
    terminal_t *terminal = alloc_new(terminal_t);
    terminal->events = *events;
    terminal->context = context;
    terminal->history_path = history_file_open();
    active = terminal;
    set_up_readline();

    /* uv_poll makes the descriptor non-blocking, and with it everything else on this terminal: undo that. */
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    if (uv_poll_init(loop, &terminal->input, STDIN_FILENO) == 0) {
        terminal->open_handles++;
        terminal->input.data = terminal;
        fcntl(STDIN_FILENO, F_SETFL, flags);
        uv_poll_start(&terminal->input, UV_READABLE, on_input);
    }
    uv_prepare_init(loop, &terminal->before_wait);
    terminal->open_handles++;
    terminal->before_wait.data = terminal;
    uv_prepare_start(&terminal->before_wait, on_before_wait);
    rl_callback_handler_install("", on_typed);
    terminal->installed = true;
    return terminal;
}

static void on_handle_closed(uv_handle_t *handle)
{
    terminal_t *terminal = handle->data;
    if (--terminal->open_handles > 0)
        return;
    terminal_events_t events = terminal->events;
    void *context = terminal->context;
    history_file_close(terminal->history_path);
    free(terminal->history_path);
    active = NULL;
    free(terminal);
    events.on_closed(context);
}

void terminal_close(terminal_t *terminal)
{
    if (terminal->closing)
        return;
    terminal->closing = true;
    if (terminal->installed && !terminal->in_handler) {
        if (!terminal->hidden)
            rl_clear_visible_line();
        terminal->hidden = false;
    }
    release(terminal);
    fflush(stdout);
    if (terminal->open_handles > 1)
        uv_close((uv_handle_t *)&terminal->input, on_handle_closed);
    uv_close((uv_handle_t *)&terminal->before_wait, on_handle_closed);
}

void terminal_set_prompt(terminal_t *terminal, const char *prompt)
{
    if (!terminal->installed)
        return;
    if (!terminal->in_handler && !terminal->hidden) {
        rl_clear_visible_line();
        terminal->hidden = true;
    }
    rl_set_prompt(prompt);
}

void terminal_keep_history(terminal_t *terminal, bool keep)
{
    terminal->keep_history = keep;
}

void terminal_print(terminal_t *terminal, const char *text, size_t length)
{
    if (terminal->installed && !terminal->in_handler && !terminal->hidden) {
        rl_clear_visible_line();
        terminal->hidden = true;
    }
    fwrite(text, 1, length, stdout);
    fflush(stdout);
}

bool terminal_drop_line(terminal_t *terminal)
{
    if (!terminal->installed || rl_end == 0)
        return false;
    show_line(terminal);
    rl_callback_sigcleanup();
    fputs("^C\n", stdout);
    rl_replace_line("", 1);
    rl_on_new_line();
    rl_redisplay();
    return true;
}

void terminal_resized(terminal_t *terminal)
{
    if (!terminal->installed)
        return;
    show_line(terminal);
    rl_resize_terminal();
}

void terminal_suspend(terminal_t *terminal)
{
    if (!terminal->installed)
        return;
    show_line(terminal);
    rl_deprep_terminal();
    raise(SIGSTOP);
    rl_prep_terminal(1);
    rl_forced_update_display();
}

int terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    return size.ws_col < LEAST_COLUMNS ? LEAST_COLUMNS : size.ws_col;
}
