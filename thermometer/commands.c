#include "commands.h"
#include "common/text.h"

static const struct {
    const char *name, *help;
} COMMANDS[] = {
    [DO_SUBSCRIBE] = {"subscribe", "sends you the temperature again and again"},
    [DO_UNSUBSCRIBE] = {"unsubscribe", "ends that"},
    [DO_RANGE] = {"range", "tells minimum, maximum and mean of what was read"},
    [DO_REBOOT] = {"reboot", "restarts the device: readings begin anew, subscriptions stay"},
    [DO_HELP] = {"help", "tells this"},
};
enum { COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]) };

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

do_t commands_parse(const char *text, size_t length)
{
    while (length > 0 && is_space(text[length - 1]))
        length--;
    while (length > 0 && is_space(*text)) {
        text++;
        length--;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (text_is_word(text, length, COMMANDS[i].name))
            return (do_t)i;
    return DO_HELP;
}

const char *commands_name(do_t what)
{
    return COMMANDS[what].name;
}

err_t commands_append_help(buffer_t *out)
{
    err_t err = buffer_append_text(out, "I am a thermometer. Send me one of these words:");

    for (size_t i = 0; err == ERR_OK && i < COMMAND_COUNT; i++)
        err = buffer_appendf(out, "\n%s: %s", COMMANDS[i].name, COMMANDS[i].help);
    return err;
}
