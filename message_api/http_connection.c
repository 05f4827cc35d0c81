#include "http_connection.h"
#include "../common/alloc.h"
#include <stdlib.h>
#include <sys/socket.h>

/* Milliseconds that a phase may take; 0 = any. */
static const uint64_t phase_ms[] = {
    [CONNECTION_NEW] = 15000,     [CONNECTION_READING] = 30000, [CONNECTION_WAITING] = 0,
    [CONNECTION_WRITING] = 30000, [CONNECTION_IDLE] = 60000,
};

void http_connection_enter(http_connection_t *connection, connection_phase_t phase, uint64_t now)
{
    connection->phase = phase;
    connection->deadline = phase_ms[phase] != 0 ? now + phase_ms[phase] : UINT64_MAX;
}

http_connection_t *http_connections_add(http_connections_t *list, int socket, uint64_t now)
{
    http_connection_t *connection = alloc_new(http_connection_t);
    connection->socket = socket;
    http_connection_enter(connection, CONNECTION_NEW, now);
    connection->next = list->first;
    if (list->first != NULL)
        list->first->previous = connection;
    list->first = connection;
    list->count++;
    return connection;
}

void http_connections_remove(http_connections_t *list, http_connection_t *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    list->count--;
    free(connection);
}

static void cut(http_connection_t *connection)
{
    shutdown(connection->socket, SHUT_RDWR);
    connection->deadline = UINT64_MAX;
}

size_t http_connections_cut_late(http_connections_t *list, uint64_t now)
{
    size_t count = 0;
    for (http_connection_t *connection = list->first; connection != NULL; connection = connection->next) {
        if (connection->deadline > now)
            continue;
        cut(connection);
        count++;
    }
    return count;
}

void http_connections_cut_idle(http_connections_t *list)
{
    for (http_connection_t *connection = list->first; connection != NULL; connection = connection->next) {
        if (connection->phase == CONNECTION_NEW || connection->phase == CONNECTION_IDLE)
            cut(connection);
    }
}
