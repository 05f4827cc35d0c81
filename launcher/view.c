#include "view.h"
#include "../common/alloc.h"
#include "table_view.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    table_tone_t tone;
} states[] = {
    [STATE_OFF] = {"off", TABLE_PLAIN},           [STATE_WAITING] = {"waiting", TABLE_BUSY},
    [STATE_STARTING] = {"starting", TABLE_BUSY},  [STATE_RUNNING] = {"running", TABLE_GOOD},
    [STATE_RESTARTING] = {"restarts", TABLE_BAD}, [STATE_FAILED] = {"failed", TABLE_BAD},
    [STATE_STOPPING] = {"stopping", TABLE_BUSY},  [STATE_STOPPED] = {"stopped", TABLE_PLAIN},
};

static void append_store(const view_t *view, buffer_t *out)
{
    static const char *const mongo[] = {
        [STORE_UNKNOWN] = ", messages in MongoDB",
        [STORE_ANSWERS] = ", messages in MongoDB, which answers",
        [STORE_AWAY] = ", MongoDB does not answer: nothing can be stored",
    };
    if (*view->config->mongo_url != '\0')
        buffer_append_text(out, mongo[view->store]);
    else if (view->store == STORE_AWAY)
        buffer_appendf(out, ", %s cannot be used", view->config->database);
    else
        buffer_appendf(out, ", messages in %s", view->config->database);
}

static void append_where(const view_t *view, const slot_t *slot, buffer_t *out)
{
    component_id_t id = slot->options.id;
    const endpoint_t *endpoint = supervisor_endpoint(view->supervisor, id);
    char text[ENDPOINT_TEXT_SIZE] = "";

    switch (id) {
    case COMPONENT_API:
        endpoint_format_url(endpoint, text);
        break;
    case COMPONENT_WEB:
        endpoint_format_page(endpoint, text);
        break;
    case COMPONENT_SERVER:
        endpoint_format(endpoint, text);
        break;
    default:
        if (slot->ready.username[0] != '\0')
            buffer_appendf(out, "as %s", slot->ready.username);
    }
    buffer_append_text(out, text);
    if (id == COMPONENT_API)
        append_store(view, out);
}

static table_row_t row_of(const view_t *view, component_id_t id, buffer_t *text)
{
    const slot_t *slot = supervisor_slot(view->supervisor, id);
    buffer_init(text, 0);
    if (slot->state == STATE_RUNNING)
        append_where(view, slot, text);
    else
        buffer_append_text(text, slot->note);
    if (slot->log.error != 0)
        buffer_appendf(text, "%slogs/%s cannot be written: %s", text->length > 0 ? "; " : "", slot->log.name,
                       strerror(slot->log.error));
    return (table_row_t){slot->component->name, states[slot->state].name, buffer_text(text),
                         states[slot->state].tone};
}

static bool runs(const view_t *view, component_id_t id)
{
    return supervisor_slot(view->supervisor, id)->state == STATE_RUNNING;
}

/* How to reach the chat server from a terminal. */
static void append_client(const view_t *view, buffer_t *out)
{
    const endpoint_t *server = supervisor_endpoint(view->supervisor, COMPONENT_SERVER);
    const char *host = endpoint_connect_host(server);
    if (view->client == NULL) {
        buffer_appendf(out, "nc %s %d", host, server->port);
        return;
    }
    buffer_append_text(out, view->client);
    if (strcmp(host, "127.0.0.1") != 0)
        buffer_appendf(out, " --server-host %s", host);
    if (server->port != 5000)
        buffer_appendf(out, " --server-port %d", server->port);
}

/* What a person can do now, a line each. */
static void append_next_steps(const view_t *view, buffer_t *out)
{
    bool page = runs(view, COMPONENT_WEB);
    if (page) {
        char url[ENDPOINT_TEXT_SIZE];
        endpoint_format_page(supervisor_endpoint(view->supervisor, COMPONENT_WEB), url);
        buffer_appendf(out, "Open %s in a browser,\n", url);
    }
    buffer_append_text(out, page ? "or run " : "Run ");
    append_client(view, out);
    buffer_append_text(out, " in another terminal.\nLogs are in logs/. Ctrl-C stops everything.\n");
}

static void append_indented(buffer_t *out, const char *lines, size_t width)
{
    while (*lines != '\0') {
        char *line = alloc_string_n(lines, strcspn(lines, "\n"));
        size_t length = table_view_fit(line, width > 2 ? width - 2 : 0);
        buffer_appendf(out, "  %.*s\n", (int)length, line);
        lines += strlen(line) + 1;
        free(line);
    }
}

void view_picture(view_t *view, buffer_t *out, size_t width, bool colour)
{
    buffer_t texts[COMPONENT_COUNT], steps;
    table_row_t rows[COMPONENT_COUNT];
    for (int i = 0; i < COMPONENT_COUNT; i++)
        rows[i] = row_of(view, (component_id_t)i, &texts[i]);
    buffer_append_text(out, "\n");
    table_view_rows(out, rows, COMPONENT_COUNT, width, colour);
    buffer_append_text(out, "\n");
    if (runs(view, COMPONENT_SERVER)) {
        buffer_init(&steps, 0);
        append_next_steps(view, &steps);
        append_indented(out, buffer_text(&steps), width);
        buffer_free(&steps);
    }
    for (int i = 0; i < COMPONENT_COUNT; i++)
        buffer_free(&texts[i]);
}

static void append_ready(const view_t *view, buffer_t *out)
{
    static const struct {
        component_id_t id;
        const char *member;
    } ports[] = {{COMPONENT_SERVER, "port"}, {COMPONENT_API, "api_port"}, {COMPONENT_WEB, "web_port"}};
    buffer_appendf(out, "ready host=%s", supervisor_endpoint(view->supervisor, COMPONENT_SERVER)->host);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        if (runs(view, ports[i].id))
            buffer_appendf(out, " %s=%d", ports[i].member,
                           supervisor_endpoint(view->supervisor, ports[i].id)->port);
    }
    buffer_append_text(out, "\n");
}

void view_lines(view_t *view, buffer_t *out)
{
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        buffer_t text, line;
        table_row_t row = row_of(view, (component_id_t)i, &text);
        buffer_init(&line, 0);
        table_view_line(&line, &row);
        if (view->printed[i] == NULL || strcmp(view->printed[i], buffer_text(&line)) != 0) {
            buffer_append_text(out, buffer_text(&line));
            free(view->printed[i]);
            view->printed[i] = buffer_take(&line, NULL);
        }
        buffer_free(&line);
        buffer_free(&text);
    }
    if (!view->said_ready && supervisor_is_settled(view->supervisor)) {
        view->said_ready = true;
        append_ready(view, out);
        append_next_steps(view, out);
    }
}

void view_free(view_t *view)
{
    for (int i = 0; i < COMPONENT_COUNT; i++)
        free(view->printed[i]);
}
