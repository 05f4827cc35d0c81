/* What comes to the message API: the first line is method and path (with one number behind '?'), the rest the
 * body, which every reader is given. */
#include "common/alloc.h"
#include "fuzz.h"
#include "message_api/request_reader.h"
#include "message_api/router.h"

enum { MAX_BYTES = 256, VALUES = 4096 };

static const route_t routes[] = {
    {.method = "POST", .pattern = "/messages"},
    {.method = "GET", .pattern = "/messages/{username}"},
    {.method = "GET", .pattern = "/v1/mailboxes/{username}"},
};

static void read_path(char *line, details_t *details)
{
    static const query_integer_t query = {.name = "limit", .minimum = 1, .maximum = 256, .fallback = 1};
    char username[USERNAME_SIZE], *path = strchr(line, ' ');
    route_match_t match;
    int64_t value;
    if (path == NULL)
        return;
    *path++ = '\0';
    char *number = strchr(path, '?');
    if (number != NULL)
        *number++ = '\0';
    if (request_read_query(&query, number, &value, details))
        FUZZ_CHECK(value >= 1 && value <= 256);
    if (route_find(routes, sizeof routes / sizeof routes[0], line, path, &match) == ROUTE_FOUND &&
        match.parameter != NULL &&
        request_read_path_username(match.parameter, match.parameter_length, username, details))
        FUZZ_CHECK(username[0] != '\0' && strlen(username) < USERNAME_SIZE);
}

static void read_body(const cJSON *body, details_t *details)
{
    message_t message, *messages;
    store_acknowledgement_t *acknowledgements;
    size_t count;
    store_claim_t *claims;
    if (request_read_message(body, MAX_BYTES, &message, details)) {
        FUZZ_CHECK(message.id[0] != '\0' && message.timestamp[0] != '\0' && message.sender[0] != '\0');
        message_free(&message);
    }
    if (request_read_messages(body, MAX_BYTES, &messages, &count, details)) {
        FUZZ_CHECK(count >= 1 && count <= STORE_MAX_PUT);
        request_free_messages(messages, count);
    }
    if (request_read_claims(body, &claims, &count, details)) {
        FUZZ_CHECK(count >= 1 && count <= STORE_MAX_CLAIM && claims[0].username[0] != '\0');
        free(claims);
    }
    if (request_read_acknowledgements(body, &acknowledgements, &count, details))
        store_acknowledgements_free(acknowledgements, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    const char *json = end != NULL ? (const char *)end + 1 : "";
    size_t json_length = end != NULL ? size - length - 1 : 0;
    char *line = alloc_string_n((const char *)data, length);
    details_t details;
    buffer_t answer;

    details_init(&details);
    buffer_init(&answer, 0);
    read_path(line, &details);
    cJSON *body = request_has_at_most(json, json_length, VALUES) ? json_parse(json, json_length) : NULL;
    if (body != NULL)
        read_body(body, &details);
    /* Whatever was wrong is told in JSON. */
    FUZZ_CHECK(details_append(&details, &answer) == ERR_OK);
    cJSON *told = json_parse(answer.data, answer.length);
    FUZZ_CHECK(told != NULL);
    cJSON_Delete(told);
    cJSON_Delete(body);
    buffer_free(&answer);
    details_free(&details);
    free(line);
    return 0;
}
