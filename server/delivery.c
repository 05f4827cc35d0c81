#include "delivery.h"
#include "../common/alloc.h"
#include <stdlib.h>
#include <string.h>

void delivery_key(const char *sender, const char *id, char out[DELIVERY_KEY_SIZE])
{
    size_t length = strnlen(sender, USERNAME_SIZE - 1);

    memcpy(out, sender, length);
    out[length] = '\n';
    size_t rest = strnlen(id, ID_SIZE - 1);
    memcpy(out + length + 1, id, rest);
    out[length + 1 + rest] = '\0';
}

delivery_t *delivery_new(message_t *message)
{
    delivery_t *delivery = alloc_new(delivery_t);

    delivery->message = *message;
    message->text = message->metadata = NULL;
    return delivery;
}

void delivery_free(delivery_t *delivery)
{
    if (!delivery)
        return;
    message_free(&delivery->message);
    free(delivery);
}

void delivery_drop_body(delivery_t *delivery)
{
    message_free(&delivery->message);
}

bool delivery_has_body(const delivery_t *delivery)
{
    return delivery->message.text != NULL;
}

size_t delivery_bytes(const delivery_t *delivery)
{
    return sizeof *delivery + delivery->message.text_length + delivery->message.metadata_length;
}
