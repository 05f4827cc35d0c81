#include "buffer.h"
#include "alloc.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void buffer_init(buffer_t *buffer, size_t limit)
{
    *buffer = (buffer_t){.limit = limit};
}

void buffer_free(buffer_t *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
    buffer->failed = false;
}

void buffer_clear(buffer_t *buffer)
{
    buffer->length = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

err_t buffer_reserve(buffer_t *buffer, size_t more)
{
    size_t length = buffer->length;
    if (more < buffer->capacity - length) /* one byte is for the NUL; with no memory both are 0 */
        return buffer->limit == 0 || length + more <= buffer->limit ? ERR_OK : ERR_TOO_LONG;
    if (more > SIZE_MAX / 4 - length || (buffer->limit != 0 && length + more > buffer->limit))
        return ERR_TOO_LONG;
    size_t capacity = buffer->capacity * 2;
    if (capacity < length + more + 1)
        capacity = length + more + 1;
    if (capacity < FIRST_CAPACITY)
        capacity = FIRST_CAPACITY;
    if (buffer->limit != 0 && capacity > buffer->limit + 1)
        capacity = buffer->limit + 1;
    char *data = try_resize(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return ERR_NO_MEMORY;
    }
    data[length] = '\0';
    buffer->data = data;
    buffer->capacity = capacity;
    return ERR_OK;
}

err_t buffer_append(buffer_t *buffer, const void *data, size_t length)
{
    err_t err = buffer_reserve(buffer, length);
    if (err != ERR_OK)
        return err;
    if (length > 0)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return ERR_OK;
}

err_t buffer_append_text(buffer_t *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

err_t buffer_append_char(buffer_t *buffer, char c)
{
    return buffer_append(buffer, &c, 1);
}

err_t buffer_appendf(buffer_t *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    err_t err = length < 0 ? ERR_IO : buffer_reserve(buffer, (size_t)length);
    if (err == ERR_OK) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    return err;
}

void buffer_consume(buffer_t *buffer, size_t count)
{
    if (count == 0)
        return;
    if (count >= buffer->length) {
        buffer_clear(buffer);
        return;
    }
    buffer->length -= count;
    memmove(buffer->data, buffer->data + count, buffer->length + 1);
}

const char *buffer_text(const buffer_t *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}

char *buffer_take(buffer_t *buffer, size_t *length)
{
    char *data = buffer->data != NULL ? buffer->data : alloc_string("");
    if (length != NULL)
        *length = buffer->length;
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
    return data;
}
