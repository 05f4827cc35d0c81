/* What a browser's request holds: path, Host, Origin, and the server that a login names; a line each. A file of the
 * page's folder comes, or nothing. */
#include "common/alloc.h"
#include "common/json.h"
#include "fuzz.h"
#include "ws_adapter/origin.h"
#include "ws_adapter/server_list.h"
#include "ws_adapter/static_files.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *path, *text; /* text NULL: a folder, or a link to `to` */
    const char *to;
} files[] = {
    {"/page", NULL, NULL},
    {"/page/js", NULL, NULL},
    {"/other", NULL, NULL},
    {"/page/index.html", "page", NULL},
    {"/page/js/a.js", "page", NULL},
    {"/page/.hidden.js", "secret", NULL},
    {"/page/data.db", "secret", NULL},
    {"/other/a.js", "secret", NULL},
    {"/secret.js", "secret", NULL},
    {"/page/link.js", NULL, "../secret.js"},
    {"/page/dir", NULL, "../other"},
};
enum { FILES = sizeof files / sizeof files[0] };

static char folder[] = "/tmp/fuzz_page_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s%s", folder, name);
    return path;
}

static void remove_files(void)
{
    for (int i = FILES - 1; i >= 0; i--)
        remove(path_of(files[i].path));
    remove(folder);
}

static void make_file(const char *path, const char *text, const char *to)
{
    if (to != NULL) {
        FUZZ_CHECK(symlink(to, path) == 0);
    } else if (text == NULL) {
        FUZZ_CHECK(mkdir(path, 0700) == 0);
    } else {
        FILE *file = fopen(path, "w");
        FUZZ_CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    }
}

/* `page` is served; the secrets lie beside it, hidden in it, and behind links of it. */
static static_files_t *make_files(void)
{
    FUZZ_CHECK(mkdtemp(folder) != NULL && atexit(remove_files) == 0);
    for (int i = 0; i < FILES; i++)
        make_file(path_of(files[i].path), files[i].text, files[i].to);
    return static_files_new("/", path_of("/page"));
}

static void ask_for_file(static_files_t *page, const char *path)
{
    static_file_t *file = static_files_get(page, path);
    if (file == NULL)
        return;
    FUZZ_CHECK(file->length == 4 && memcmp(file->data, "page", 4) == 0);
    FUZZ_CHECK(static_files_owns(page, path));
    static_file_is_fresh(file, path, path);
    static_file_release(file);
}

static void ask_for_origin(const origin_list_t *list, const char *host, const char *origin)
{
    if (origin_host_allowed(list, host, "127.0.0.1", 8080))
        FUZZ_CHECK(strcasecmp(host, "127.0.0.1:8080") == 0 || strcasecmp(host, "localhost:8080") == 0 ||
                   strcasecmp(host, "[::1]:8080") == 0 || strcasecmp(host, "chat.example.org") == 0 ||
                   strcasecmp(host, "chat.example.org:443") == 0);
    if (origin_allowed(list, origin, "127.0.0.1:8080"))
        FUZZ_CHECK(strcasecmp(origin, "http://127.0.0.1:8080") == 0 ||
                   strcasecmp(origin, "https://chat.example.org") == 0 ||
                   strcasecmp(origin, "https://chat.example.org:443") == 0);
}

static void ask_for_server(const server_list_t *list, const char *text)
{
    server_address_t address = {.host = NULL};
    cJSON *login = json_parse(text, strlen(text));
    if (login != NULL && server_list_choose(list, login, &address))
        FUZZ_CHECK((strcmp(address.host, "127.0.0.1") == 0 && address.port == 5000) ||
                   (strcmp(address.host, "::1") == 0 && address.port == 5001));
    cJSON_Delete(login);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static static_files_t *page;
    static origin_list_t *origins;
    static server_list_t *servers;
    if (page == NULL) {
        page = make_files();
        origins = origin_list_new("https://chat.example.org");
        servers = server_list_new("127.0.0.1", 5000, "[::1]:5001");
    }
    char *text = alloc_string_n((const char *)data, size), *rest = text;
    const char *path = strsep(&rest, "\n"), *host = strsep(&rest, "\n"), *origin = strsep(&rest, "\n");
    ask_for_file(page, path);
    ask_for_origin(origins, host != NULL ? host : "", origin != NULL ? origin : "");
    if (rest != NULL)
        ask_for_server(servers, rest);
    server_list_free(server_list_new("localhost", 1, path));
    origin_list_free(origin_list_new(path));
    free(text);
    return 0;
}
