#include "store_request.h"
#include "../common/alloc.h"
#include "../common/text.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 1024 * 1024 };

store_request_t *request_new(request_kind_t kind, void *context)
{
    store_request_t *request = alloc_new(store_request_t);
    request->kind = kind;
    request->context = context;
    atomic_init(&request->cancelled, false);
    return request;
}

void request_drop_entries(store_request_t *request)
{
    for (size_t i = 0; i < request->entry_count; i++)
        message_free(&request->entries[i].message);
    free(request->entries);
    request->entries = NULL;
    request->entry_count = request->entry_capacity = request->entry_bytes = 0;
    request->more = false;
}

void store_acknowledgements_free(store_acknowledgement_t *acknowledgements, size_t count)
{
    if (acknowledgements == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        free(acknowledgements[i].keys);
    free(acknowledgements);
}

void request_free(store_request_t *request)
{
    if (request == NULL)
        return;
    if (request->messages != NULL) {
        for (size_t i = 0; i < request->count; i++)
            message_free(&request->messages[i]);
        free(request->messages);
    }
    store_acknowledgements_free(request->acknowledgements, request->count);
    free(request->claims);
    free(request->keys);
    free(request->results);
    free(request->mailbox_results);
    request_drop_entries(request);
    free(request);
}

void request_answer(store_request_t *request, err_t err, bool have_reason)
{
    bool ok = err == ERR_OK;
    switch (request->kind) {
    case REQUEST_PUT:
    case REQUEST_REMEMBER:
        request->callback.put(request->context, err, ok ? request->results : NULL, ok ? request->count : 0);
        break;
    case REQUEST_ACKNOWLEDGE:
        request->callback.acknowledge(request->context, err, ok ? request->mailbox_results : NULL,
                                      ok ? request->count : 0);
        break;
    case REQUEST_CLAIM:
        request->callback.claim(request->context, err, ok ? request->claims : NULL, ok ? request->count : 0);
        break;
    case REQUEST_READ_ALL:
    case REQUEST_READ:
        request->callback.page(request->context, err, ok ? request->entries : NULL,
                               ok ? request->entry_count : 0, ok && request->more);
        break;
    case REQUEST_HEALTH:
        request->callback.health(request->context, err,
                                 ok ? ""
                                    : (have_reason ? request->reason : "the store did not answer in time"));
        break;
    }
}

void request_add_entry(store_request_t *request, const message_t *message, int64_t seq)
{
    if (request->entry_count == request->entry_capacity) {
        request->entry_capacity = request->entry_capacity == 0 ? 16 : request->entry_capacity * 2;
        request->entries =
            alloc_resize(request->entries, request->entry_capacity * sizeof request->entries[0]);
    }
    request->entries[request->entry_count++] = (store_entry_t){.message = *message, .seq = seq};
    request->entry_bytes += sizeof(store_entry_t) + message_mailbox_bytes(message);
}

bool request_page_is_full(const store_request_t *request, size_t limit)
{
    return request->entry_count >= limit || request->entry_bytes >= PAGE_BYTES;
}

void reason_set(char out[REASON_SIZE], const char *reason)
{
    size_t length = text_cut(reason, strlen(reason), REASON_SIZE - 1);
    memcpy(out, reason, length);
    out[length] = '\0';
}

bool message_replaces(const message_t *message, char id[ID_SIZE])
{
    /* Most metadata is "{}", and hardly any of the rest replaces something: parse only what may. */
    if (message->metadata_length <= 2 || strstr(message->metadata, "\"replaces\"") == NULL)
        return false;
    cJSON *metadata = json_parse(message->metadata, message->metadata_length);
    const char *value = metadata != NULL ? json_string(metadata, "replaces") : NULL;
    bool found = value != NULL && id_is_valid(value, strlen(value));
    if (found)
        memcpy(id, value, strlen(value) + 1);
    cJSON_Delete(metadata);
    return found;
}

size_t message_mailbox_bytes(const message_t *message)
{
    return message->text_length + message->metadata_length;
}
