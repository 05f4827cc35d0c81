#include "http_call.h"
#include "../common/alloc.h"
#include "answers.h"
#include "http_gate.h"
#include "http_server.h"
#include <stdlib.h>
#include <string.h>

/* A body that nobody wants is read to its end all the same, so that the client gets to reading our answer; but not
 * for ever. */
static const size_t DROPPED_MAX = (size_t)256 * 1024 * 1024;

static const char no_memory[] = "{\"detail\":\"out of memory\",\"code\":\"no_memory\"}";

http_call_t *http_call_new(struct http_server *server, struct http_connection *connection,
                           struct MHD_Connection *mhd)
{
    http_call_t *call = alloc_new(http_call_t);
    call->server = server;
    call->connection = connection;
    call->mhd = mhd;
    call->started = uv_now(server->loop);
    buffer_init(&call->body, 0);
    buffer_init(&call->answer, 0);
    return call;
}

static void drop_body(http_call_t *call)
{
    call->server->body_bytes -= call->body.length;
    buffer_free(&call->body);
}

void http_call_free(http_call_t *call, bool complete)
{
    drop_body(call);
    buffer_free(&call->answer);
    call->server->answer_bytes -= call->answer_bytes;
    if (call->on_sent != NULL)
        call->on_sent(call->sent_context, complete && call->status == MHD_HTTP_OK);
    free(call);
}

void *http_call_context(const http_call_t *call)
{
    return call->server->options.context;
}

const char *http_call_query(const http_call_t *call, const char *name)
{
    return MHD_lookup_connection_value(call->mhd, MHD_GET_ARGUMENT_KIND, name);
}

void http_call_answer(http_call_t *call, int status, buffer_t *json, err_t made, const http_header_t *header)
{
    if (made == ERR_OK) {
        call->answer = *json;
        call->status = status;
        if (header != NULL)
            call->header = *header;
    } else {
        buffer_free(json);
        call->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    call->answered = true;
    if (call->suspended) {
        call->suspended = false;
        MHD_resume_connection(call->mhd);
        http_server_wake(call->server);
    }
}

void http_call_on_sent(http_call_t *call, http_sent_cb on_sent, void *context)
{
    call->on_sent = on_sent;
    call->sent_context = context;
}

/* --- the steps --- */

static enum MHD_Result begin(http_call_t *call, const char *method, const char *path)
{
    call->begun = true;
    http_gate_check(call, method, path);
    bool at_once = call->answered && (call->must_close || http_gate_expects_continue(call));
    if (!at_once)
        return MHD_YES;
    call->must_close = true;
    return http_call_step(call, method, path, NULL, &(size_t){0});
}

/* Takes a piece of the body. MHD_NO cuts the connection. */
static enum MHD_Result receive(http_call_t *call, const char *data, size_t length)
{
    http_server_t *server = call->server;
    bool wanted = !call->answered && call->route->body != ROUTE_NO_BODY;
    if (wanted && call->body.length + length > server->options.body_bytes[call->route->body]) {
        answer_too_large(call);
        wanted = false;
    } else if (wanted && server->body_bytes + length > server->options.all_body_bytes) {
        answer_error(call, ERR_BUSY);
        wanted = false;
    }
    if (!wanted) {
        drop_body(call);
        call->dropped += length;
        return call->dropped <= DROPPED_MAX ? MHD_YES : MHD_NO;
    }
    err_t err = buffer_append(&call->body, data, length);
    if (err != ERR_OK)
        answer_error(call, err);
    else
        server->body_bytes += length;
    return MHD_YES;
}

static struct MHD_Response *make_response(http_call_t *call)
{
    if (call->answer.length == 0)
        return MHD_create_response_from_buffer(sizeof no_memory - 1, (void *)no_memory,
                                               MHD_RESPMEM_PERSISTENT);
    size_t length;
    char *text = buffer_take(&call->answer, &length);
    struct MHD_Response *response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return NULL;
    }
    call->answer_bytes = length;
    call->server->answer_bytes += length;
    return response;
}

static enum MHD_Result send_answer(http_call_t *call)
{
    struct MHD_Response *response = make_response(call);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (call->header.name != NULL)
        MHD_add_response_header(response, call->header.name, call->header.value);
    if (call->must_close || call->server->draining)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    http_connection_enter(call->connection, CONNECTION_WRITING, uv_now(call->server->loop));
    enum MHD_Result result = MHD_queue_response(call->mhd, (unsigned)call->status, response);
    MHD_destroy_response(response);
    return result;
}

/* What handlers would only meet with later: the store takes nothing more, or peers that don't read hold all the
 * memory that answers may have. */
static void handle(http_call_t *call)
{
    http_server_t *server = call->server;
    call->handled = true;
    if (server->draining)
        answer_error(call, ERR_CLOSED);
    else if (server->answer_bytes > server->options.all_answer_bytes)
        answer_error(call, ERR_BUSY);
    else
        call->route->handler(call);
    drop_body(call);
}

enum MHD_Result http_call_step(http_call_t *call, const char *method, const char *path, const char *upload,
                               size_t *upload_size)
{
    if (!call->begun)
        return begin(call, method, path);
    if (*upload_size > 0) {
        size_t length = *upload_size;
        *upload_size = 0;
        return receive(call, upload, length);
    }
    if (!call->answered && !call->handled)
        handle(call);
    if (call->answered)
        return send_answer(call);
    call->suspended = true;
    http_connection_enter(call->connection, CONNECTION_WAITING, uv_now(call->server->loop));
    MHD_suspend_connection(call->mhd);
    return MHD_YES;
}
