#include "state_file.h"
#include "common/alloc.h"
#include "common/atomic_file.h"
#include <stdlib.h>
#include <string.h>

void state_file_init(state_file_t *file, uv_loop_t *loop, const char *folder, const char *username,
                     state_file_cb on_saved, void *context)
{
    memset(file, 0, sizeof(*file));
    file->loop = loop;
    file->path = alloc_format("%s/%s.json", folder, username);
    file->on_saved = on_saved;
    file->context = context;
    file->work.data = file;
    buffer_init(&file->content, 0);
}

void state_file_free(state_file_t *file)
{
    free(file->path);
    buffer_free(&file->content);
}

err_t state_file_load(const state_file_t *file, subscribers_t *subscribers)
{
    buffer_t content;

    buffer_init(&content, 0);
    err_t err = atomic_file_read(file->path, SUBSCRIBERS_MAX_FILE, &content);
    if (err == ERR_OK)
        err = subscribers_read(subscribers, buffer_text(&content), content.length);
    buffer_free(&content);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void write_content(state_file_t *file)
{
    if (file->err == ERR_OK)
        file->err = atomic_file_write(file->path, file->content.data, file->content.length);
}

static void work(uv_work_t *request)
{
    write_content(request->data);
}

static void after_work(uv_work_t *request, int status)
{
    state_file_t *file = request->data;

    file->busy = false;
    file->on_saved(file->context, status == 0 ? file->err : ERR_IO);
}

static void take_content(state_file_t *file, const subscribers_t *subscribers)
{
    buffer_clear(&file->content);
    file->err = subscribers_write(subscribers, &file->content);
}

void state_file_save(state_file_t *file, const subscribers_t *subscribers)
{
    take_content(file, subscribers);
    file->busy = true;
    uv_queue_work(file->loop, &file->work, work, after_work); /* fails for a NULL alone */
}

err_t state_file_save_now(state_file_t *file, const subscribers_t *subscribers)
{
    take_content(file, subscribers);
    write_content(file);
    return file->err;
}
