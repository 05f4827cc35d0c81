#include "view.h"
#include "common/alloc.h"
#include "common/text.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

view_t *view_new(const view_kind_t *kind)
{
    view_t *view = alloc_new(view_t);
    view->kind = kind;
    buffer_init(&view->lines, 0);
    buffer_init(&view->notices, 0);
    return view;
}

void view_free(view_t *view)
{
    if (!view)
        return;
    view_terminal_free(view->terminal);
    buffer_free(&view->lines);
    buffer_free(&view->notices);
    free(view);
}

void view_append_names(buffer_t *out, const cJSON *names, int limit)
{
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, names)
    {
        if (!cJSON_IsString(item))
            continue;
        if (count < limit) {
            if (count > 0)
                buffer_append_text(out, ", ");
            text_append_printable(out, item->valuestring, strlen(item->valuestring), false);
        }
        count++;
    }
    if (count > limit)
        buffer_appendf(out, " (+%d more)", count - limit);
}

size_t view_local_time(const char *timestamp, const char *format, char *out, size_t size)
{
    int64_t microseconds;
    if (timestamp_parse(timestamp, &microseconds) != ERR_OK)
        microseconds = timestamp_now();
    time_t seconds = (time_t)(microseconds / 1000000);
    struct tm local;
    localtime_r(&seconds, &local);
    return strftime(out, size, format, &local);
}
