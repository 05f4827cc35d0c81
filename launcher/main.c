/* Starts the whole suite, watches it, and stops it. */
#include "../common/alloc.h"
#include "../common/daemon.h"
#include "port_check.h"
#include "screen.h"
#include "view.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORT_WAIT_MS = 2000 }; /* a suite that was just killed needs a moment to go */

typedef struct {
    launcher_config_t config;
    char *programs; /* folder of our own executable */
    char *client;   /* the terminal client as a person here would call it; NULL = not built */
    int log_folder;
    launcher_log_t log;
    daemon_t daemon;
    uv_signal_t hangup;
    supervisor_t *supervisor;
    store_watch_t *store;
    screen_t *screen;
    view_t view;
    char *hopeless; /* why it ends by itself; NULL = it doesn't */
} launcher_t;

/* What is checked before anything starts */

static err_t find_programs(launcher_t *launcher)
{
    char path[PATH_MAX], *here;
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) {
        perror("p2p-launcher: /proc/self/exe");
        return ERR_IO;
    }
    path[length] = '\0';
    launcher->programs = alloc_string(dirname(path));

    char *client = alloc_format("%s/p2p-client", launcher->programs);
    if (access(client, X_OK) == 0) {
        here = getcwd(NULL, 0);
        size_t shared = here != NULL ? strlen(here) : 0;
        bool below = shared > 1 && strncmp(client, here, shared) == 0 && client[shared] == '/';
        launcher->client = alloc_string(below ? client + shared + 1 : client);
        free(here);
    }
    free(client);
    return ERR_OK;
}

static err_t check_programs(const launcher_t *launcher)
{
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        const component_t *component = component_get((component_id_t)i);
        char *path = alloc_format("%s/%s", launcher->programs, component->program);
        bool missing = component->essential && access(path, X_OK) != 0;
        if (missing)
            fprintf(stderr, "p2p-launcher: the %s is not built: there is no %s\n", component->name, path);
        free(path);
        if (missing)
            return ERR_NOT_FOUND;
    }
    return ERR_OK;
}

static err_t open_logs(launcher_t *launcher)
{
    if (log_folder_open("logs", &launcher->log_folder) != ERR_OK) {
        fprintf(stderr, "p2p-launcher: the folder logs cannot be used: %s\n", strerror(errno));
        return ERR_IO;
    }
    if (!log_folder_lock(launcher->log_folder)) {
        fprintf(stderr, "p2p-launcher: another launcher already runs in this folder\n");
        return ERR_BUSY;
    }
    launcher_log_open(&launcher->log, launcher->log_folder);
    return ERR_OK;
}

static err_t check_ports(const launcher_t *launcher)
{
    endpoint_t endpoints[COMPONENT_COUNT];
    component_endpoints(&launcher->config, endpoints);
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        component_id_t id = (component_id_t)i;
        const endpoint_t *endpoint = &endpoints[id];
        const char *name = component_get(id)->name;
        char *path = alloc_format("%s/%s", launcher->programs, component_get(id)->program);
        bool wanted = *endpoint->host != '\0' && component_obstacle(id, &launcher->config, path) == NULL;
        free(path);
        int why = wanted ? port_check_patiently(endpoint->host, endpoint->port, PORT_WAIT_MS) : 0;
        if (why == 0)
            continue;
        if (why == EADDRINUSE)
            fprintf(stderr, "p2p-launcher: port %d of the %s is in use by another program\n", endpoint->port,
                    name);
        else
            fprintf(stderr, "p2p-launcher: the %s cannot listen on %s port %d: %s\n", name, endpoint->host,
                    endpoint->port, strerror(why));
        return ERR_IO;
    }
    return ERR_OK;
}

/* While it runs */

static void on_draw(void *context, buffer_t *out, size_t width)
{
    launcher_t *launcher = context;
    if (screen_is_terminal(launcher->screen))
        view_picture(&launcher->view, out, width, screen_has_colour(launcher->screen));
    else
        view_lines(&launcher->view, out);
}

static void on_store(void *context, store_state_t state)
{
    launcher_t *launcher = context;
    launcher->view.store = state;
    screen_update(launcher->screen);
}

static void on_change(void *context)
{
    launcher_t *launcher = context;
    bool api = supervisor_slot(launcher->supervisor, COMPONENT_API)->state == STATE_RUNNING;
    if (!api)
        launcher->view.store = STORE_UNKNOWN;
    store_watch_at(launcher->store, api ? supervisor_endpoint(launcher->supervisor, COMPONENT_API) : NULL);
    screen_update(launcher->screen);
}

static void on_hopeless(void *context, const char *sentence)
{
    launcher_t *launcher = context;
    if (launcher->hopeless == NULL)
        launcher->hopeless = alloc_string(sentence);
    daemon_stop(&launcher->daemon, EXIT_FAILURE);
}

static void on_stopped(void *context)
{
    launcher_t *launcher = context;
    store_watch_close(launcher->store);
    launcher->store = NULL;
    screen_update(launcher->screen);
    screen_close(launcher->screen);
    uv_close((uv_handle_t *)&launcher->hangup, NULL);
}

static void on_stop(void *context)
{
    launcher_t *launcher = context;
    supervisor_stop(launcher->supervisor);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    launcher_t *launcher = handle->data;
    (void)number;
    daemon_stop(&launcher->daemon, EXIT_SUCCESS);
}

static void build(launcher_t *launcher)
{
    static const supervisor_events_t events = {on_change, on_hopeless, on_stopped};
    uv_loop_t *loop = daemon_loop(&launcher->daemon);
    supervisor_options_t options = {
        .config = &launcher->config,
        .programs = launcher->programs,
        .log_folder = launcher->log_folder,
        .log = &launcher->log,
    };
    launcher->supervisor = supervisor_new(loop, &options, &events, launcher);
    launcher->store = store_watch_new(loop, on_store, launcher);
    launcher->view =
        (view_t){.config = &launcher->config, .supervisor = launcher->supervisor, .client = launcher->client};
    launcher->screen = screen_new(loop, on_draw, launcher);
    uv_signal_init(loop, &launcher->hangup);
    launcher->hangup.data = launcher;
    uv_signal_start(&launcher->hangup, on_hangup, SIGHUP);
}

static int run(launcher_t *launcher)
{
    if (daemon_init(&launcher->daemon, "launcher", LOG_ERROR, on_stop, launcher) != ERR_OK)
        return EXIT_FAILURE;
    /* Ctrl-Z would stop us but not the suite, which would then stand still with its first full pipe of logs. */
    signal(SIGTSTP, SIG_IGN);
    build(launcher);
    supervisor_start(launcher->supervisor);
    screen_update(launcher->screen);
    int status = daemon_run(&launcher->daemon);
    if (launcher->hopeless != NULL)
        fprintf(stderr, "p2p-launcher: %s\n", launcher->hopeless);
    view_free(&launcher->view);
    supervisor_free(launcher->supervisor);
    daemon_close(&launcher->daemon);
    return status;
}

int main(int argc, char **argv)
{
    launcher_t launcher = {.log_folder = -1, .log.file.descriptor = -1};

    daemon_hide_memory(); /* before the secrets are in it */
    int status = settings_or_exit_status(launcher_settings(), argc, argv, &launcher.config);
    component_hide_secrets();
    if (status >= 0)
        goto cleanup;
    status = 2;
    if (launcher_config_check(&launcher.config) != ERR_OK)
        goto cleanup;
    status = EXIT_FAILURE;
    if (find_programs(&launcher) != ERR_OK || check_programs(&launcher) != ERR_OK ||
        open_logs(&launcher) != ERR_OK || check_ports(&launcher) != ERR_OK)
        goto cleanup;
    status = run(&launcher);

cleanup:
    launcher_log_close(&launcher.log);
    if (launcher.log_folder >= 0)
        close(launcher.log_folder);
    free(launcher.hopeless);
    free(launcher.client);
    free(launcher.programs);
    settings_free(launcher_settings(), &launcher.config);
    return status;
}
