#include "server_list.h"
#include "common/alloc.h"
#include "common/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_HOST = 253, /* RFC 1035: a name in text form */
    MAX_SERVERS = 64,
};

typedef struct {
    char *host;
    int port;
} entry_t;

struct server_list {
    entry_t entries[MAX_SERVERS];
    size_t count;
};

/* 1 to 65535 without sign, space or leading zero; 0 for anything else. */
static int parse_port(const char *text, size_t length)
{
    int port = 0;

    if (length == 0 || length > 5 || text[0] == '0')
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        port = port * 10 + (text[i] - '0');
    }
    return port <= 65535 ? port : 0;
}

static bool add(server_list_t *list, const char *host, size_t length, int port)
{
    if (list->count == MAX_SERVERS || length == 0 || length > MAX_HOST || port == 0)
        return false;
    list->entries[list->count++] = (entry_t){alloc_string_n(host, length), port};
    return true;
}

static bool add_text(server_list_t *list, const char *text, size_t length)
{
    const char *colon = memrchr(text, ':', length);
    if (!colon)
        return false;
    size_t host = (size_t)(colon - text);
    int port = parse_port(colon + 1, length - host - 1);
    if (host >= 2 && text[0] == '[' && text[host - 1] == ']')
        return add(list, text + 1, host - 2, port);
    /* Without brackets a second colon leaves open where the port begins. */
    return !memchr(text, ':', host) && add(list, text, host, port);
}

server_list_t *server_list_new(const char *host, int port, const char *text)
{
    server_list_t *list = alloc_new(server_list_t);
    bool good = add(list, host, strlen(host), port);

    const char *item;
    size_t length;
    while (good && text_next_item(&text, &item, &length))
        good = add_text(list, item, length);
    if (good)
        return list;
    server_list_free(list);
    return NULL;
}

void server_list_free(server_list_t *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].host);
    free(list);
}

static bool read_host(const cJSON *login, const char **host)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(login, "server_host");

    if (!item || cJSON_IsNull(item))
        return true;
    if (!cJSON_IsString(item))
        return false;
    if (item->valuestring[0] != '\0')
        *host = item->valuestring;
    return true;
}

static bool read_port(const cJSON *login, int *port)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(login, "server_port");
    int64_t number;

    if (!item || cJSON_IsNull(item) || (cJSON_IsString(item) && item->valuestring[0] == '\0'))
        return true;
    if (cJSON_IsString(item))
        *port = parse_port(item->valuestring, strlen(item->valuestring));
    else if (json_integer(login, "server_port", &number) && number > 0 && number <= 65535)
        *port = (int)number;
    else
        *port = 0;
    return *port != 0;
}

bool server_list_choose(const server_list_t *list, const cJSON *login, server_address_t *out)
{
    const char *host = list->entries[0].host;
    int port = list->entries[0].port;

    if (!read_host(login, &host) || !read_port(login, &port))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const entry_t *entry = &list->entries[i];
        if (entry->port == port && strcasecmp(entry->host, host) == 0) {
            *out = (server_address_t){entry->host, entry->port};
            return true;
        }
    }
    return false;
}
