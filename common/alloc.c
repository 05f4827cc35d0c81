#include "alloc.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *pointer)
{
    if (pointer == NULL)
        abort();
    return pointer;
}

/* malloc(0) may return NULL, which would look like a failure. */
void *try_bytes(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

void *try_resize(void *pointer, size_t size)
{
    return realloc(pointer, size > 0 ? size : 1);
}

char *try_string_n(const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = try_bytes(length + 1);
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *alloc_bytes(size_t size)
{
    return or_abort(try_bytes(size));
}

void *alloc_zero(size_t count, size_t size)
{
    return or_abort(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *alloc_resize(void *pointer, size_t size)
{
    return or_abort(try_resize(pointer, size));
}

char *alloc_string(const char *text)
{
    return alloc_string_n(text, strlen(text));
}

char *alloc_string_n(const char *text, size_t length)
{
    return or_abort(try_string_n(text, length));
}

char *alloc_format(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    return text;
}
