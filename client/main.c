/* p2p-client: the terminal client. */
#include "client.h"
#include "common/daemon.h"
#include "common/username.h"
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* readline edits whole characters only in a UTF-8 locale. */
static void use_utf8(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* A descriptor that was closed would be given to the next file: to the event loop, of all things. */
static void keep_standard_descriptors(void)
{
    int descriptor;
    do {
        descriptor = open("/dev/null", O_RDWR);
    } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

static bool check_username(const config_t *config, bool interactive)
{
    char normalised[USERNAME_SIZE];
    err_t err = ERR_OK;
    if (config->username[0])
        err = username_normalise(config->username, strlen(config->username), normalised);
    else if (!interactive)
        err = ERR_USERNAME_INVALID;
    if (err == ERR_OK)
        return true;
    fprintf(stderr, "p2p-client: --username (P2P_USERNAME): %s\n",
            config->username[0] ? err_text(err) : "is needed when input or output is not a terminal");
    return false;
}

static int run(const config_t *config, bool interactive)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0) {
        fprintf(stderr, "p2p-client: cannot start the event loop\n");
        return EXIT_NO_SESSION;
    }
    client_t *client = client_start(&loop, config, interactive);
    uv_run(&loop, UV_RUN_DEFAULT);
    int status = client_free(client);
    uv_loop_close(&loop);
    return status;
}

int main(int argc, char **argv)
{
    config_t config = {0};
    keep_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    int status = config_read(argc, argv, &config);
    if (status >= 0)
        return status;
    daemon_hide_memory();
    use_utf8();
    bool interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !config.json;
    status = check_username(&config, interactive) ? run(&config, interactive) : EXIT_USAGE;
    config_free(&config);
    return status;
}
