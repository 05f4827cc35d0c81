/* p2p-openai-bot: an assistant on an OpenAI-compatible API. */
#include "bot.h"
#include <stdio.h>

static void on_stop(void *context)
{
    bot_t **bot = context;
    if (*bot)
        bot_stop(*bot);
}

int main(int argc, char **argv)
{
    config_t config;
    daemon_t daemon;
    bot_t *bot = NULL;

    daemon_hide_memory(); /* before the key is in it */
    int status = config_read(argc, argv, &config);
    if (status >= 0)
        return status;
    if (daemon_init(&daemon, "openai_bot", config.level, on_stop, &bot) != ERR_OK) {
        fprintf(stderr, "p2p-openai-bot: cannot start the event loop\n");
        config_free(&config);
        return 1;
    }
    bot = bot_start(&daemon, &config);
    if (!bot)
        daemon_stop(&daemon, 1);
    status = daemon_run(&daemon);
    bot_free(bot);
    daemon_close(&daemon);
    config_free(&config);
    return status;
}
