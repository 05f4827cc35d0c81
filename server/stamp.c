#include "stamp.h"

void stamp_renew(stamp_t *stamp)
{
    stamp->is_set = false;
}

const char *stamp_text(stamp_t *stamp)
{
    if (!stamp->is_set) {
        stamp->now = timestamp_format_now(stamp->text);
        stamp->is_set = true;
    }
    return stamp->text;
}

void stamp_id(stamp_t *stamp, char out[ID_UUID_SIZE])
{
    stamp_text(stamp);
    id_series_next(&stamp->ids, (uint64_t)(stamp->now / 1000), out);
}
