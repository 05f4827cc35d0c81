#include "commands.h"
#include "client.h"
#include "common/text.h"

static err_t run_help(client_t *client)
{
    client_show_help(client);
    return ERR_OK;
}

static err_t run_users(client_t *client)
{
    return client_ask(client, COMMAND_USERS);
}

static err_t run_check(client_t *client)
{
    return client_ask(client, COMMAND_CHECK);
}

static err_t run_exit(client_t *client)
{
    client_finish(client);
    return ERR_OK;
}

static const command_entry_t table[] = {
    {"!check", "ask for messages that wait in your mailbox", run_check},
    {"!users", "who is online", run_users},
    {"!help", "this list", run_help},
    {"exit", "leave; Ctrl-D does the same", run_exit},
};

const command_entry_t *commands_at(size_t position)
{
    return position < sizeof table / sizeof *table ? &table[position] : NULL;
}

const command_entry_t *commands_find(const char *word, size_t length)
{
    const command_entry_t *entry;
    for (size_t i = 0; (entry = commands_at(i)) != NULL; i++) {
        if (text_is_word(word, length, entry->name))
            return entry;
    }
    return NULL;
}

void commands_append_help(buffer_t *out)
{
    buffer_append_text(out, "  NAME: TEXT  write to somebody, who may be offline (Tab completes the name)\n");
    const command_entry_t *entry;
    for (size_t i = 0; (entry = commands_at(i)) != NULL; i++)
        buffer_appendf(out, "  %-11s %s\n", entry->name, entry->help);
    buffer_append_text(out, "  ✓ the server keeps it   ✓✓ it has arrived   ✗ it was refused\n");
}
