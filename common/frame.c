#include "frame.h"
#include "text.h"
#include <string.h>

static const char *const status_names[] = {
    [RECEIPT_STORED] = "stored",
    [RECEIPT_DELIVERED] = "delivered",
    [RECEIPT_REJECTED] = "rejected",
};
static const char *const command_names[] = {
    [COMMAND_CHECK] = "check",
    [COMMAND_USERS] = "users",
    [COMMAND_PING] = "ping",
};
enum {
    STATUSES = sizeof status_names / sizeof status_names[0],
    COMMANDS = sizeof command_names / sizeof command_names[0],
};

const char *receipt_status_name(receipt_status_t status)
{
    return status_names[status];
}

const char *command_name(command_t command)
{
    return command_names[command];
}

/* The place of a word in a list, or -1. */
static int find_word(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

/* Readers of members: a missing or null member is fine unless `needed`, a wrong type never is. */

static const cJSON *find(const cJSON *json, const char *name)
{
    const cJSON *item = json_member(json, name);
    return cJSON_IsNull(item) ? NULL : item;
}

static bool read_string(const frame_t *frame, const char *name, bool needed, const char **value)
{
    const cJSON *item = find(frame->json, name);
    if (item == NULL)
        return !needed;
    *value = cJSON_GetStringValue(item);
    return *value != NULL && !(needed && **value == '\0');
}

static bool read_id(frame_t *frame)
{
    return read_string(frame, "id", true, &frame->id) && id_is_valid(frame->id, strlen(frame->id));
}

static bool read_count(const frame_t *frame, const char *name, int64_t *value)
{
    if (find(frame->json, name) == NULL)
        return true;
    return json_integer(frame->json, name, value) && *value >= 0;
}

static bool read_flag(const frame_t *frame, const char *name, bool *value)
{
    const cJSON *item = find(frame->json, name);
    if (item == NULL)
        return true;
    *value = cJSON_IsTrue(item);
    return cJSON_IsBool(item);
}

static bool read_names(const frame_t *frame, const char *name, const cJSON **value)
{
    const cJSON *array = find(frame->json, name);
    if (array == NULL)
        return true;
    if (!cJSON_IsArray(array))
        return false;
    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item))
            return false;
    }
    *value = array;
    return true;
}

/* One reader a type. They fill what they find; on an error the whole frame is dropped. */

static err_t valid(bool is_valid)
{
    return is_valid ? ERR_OK : ERR_INVALID_FRAME;
}

static err_t read_login(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    /* An empty name is a bad username, not a bad frame: the server says which. */
    return valid(read_string(frame, "username", false, &frame->username) && frame->username != NULL &&
                 read_string(frame, "token", false, &frame->token));
}

static err_t read_login_success(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    return valid(read_string(frame, "username", true, &frame->username) &&
                 read_names(frame, "online_users", &frame->users) &&
                 read_count(frame, "max_message_bytes", &frame->max_message_bytes));
}

static err_t read_message(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    if (!read_flag(frame, "stored", &frame->stored) || !read_flag(frame, "resend", &frame->resend))
        return ERR_INVALID_FRAME;
    message_source_t source = side == FRAME_SIDE_SERVER ? MESSAGE_FROM_CLIENT : MESSAGE_FROM_PEER;
    return message_from_json(frame->json, source, max_message_bytes, &frame->message, NULL);
}

static err_t read_receipt(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    const char *status = NULL;
    if (!read_id(frame) || !read_string(frame, "status", true, &status))
        return ERR_INVALID_FRAME;
    int found = find_word(status_names, STATUSES, status);
    if (found < 0)
        return ERR_INVALID_FRAME;
    frame->status = (receipt_status_t)found;
    bool rejected = frame->status == RECEIPT_REJECTED;
    if (!read_string(frame, "code", rejected, &frame->code) ||
        !read_string(frame, "reason", false, &frame->reason))
        return ERR_INVALID_FRAME;
    if (rejected && frame->reason == NULL)
        frame->reason = frame->code;
    return ERR_OK;
}

static err_t read_got(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    return valid(read_string(frame, "sender", true, &frame->sender) && read_id(frame));
}

static err_t read_command(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    const char *name = NULL;
    if (!read_string(frame, "command", true, &name))
        return ERR_INVALID_FRAME;
    int found = find_word(command_names, COMMANDS, name);
    if (found < 0)
        return ERR_UNKNOWN_COMMAND;
    frame->command = (command_t)found;
    return ERR_OK;
}

static err_t read_presence(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    return valid(read_names(frame, "joined", &frame->joined) && read_names(frame, "left", &frame->left) &&
                 read_count(frame, "online", &frame->online));
}

static err_t read_error(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    (void)side, (void)max_message_bytes;
    if (!read_string(frame, "code", true, &frame->code) ||
        !read_string(frame, "message", false, &frame->reason))
        return ERR_INVALID_FRAME;
    if (frame->reason == NULL)
        frame->reason = frame->code;
    return ERR_OK;
}

static err_t read_partial(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    bool to_server = side == FRAME_SIDE_SERVER;
    if (!read_string(frame, to_server ? "destination" : "sender", true,
                     to_server ? &frame->destination : &frame->sender) ||
        !read_id(frame) || !read_string(frame, "text", false, &frame->text) || frame->text == NULL)
        return ERR_INVALID_FRAME;
    size_t length = strlen(frame->text);
    if (length > max_message_bytes)
        return ERR_TOO_LONG;
    return text_is_message(frame->text, length) ? ERR_OK : ERR_INVALID_TEXT;
}

static err_t read_result(frame_t *frame, frame_side_t side, size_t max_message_bytes)
{
    err_t err = read_command(frame, side, max_message_bytes);
    if (err != ERR_OK)
        return err;
    return valid(read_count(frame, "stored", &frame->count) && read_names(frame, "users", &frame->users) &&
                 read_count(frame, "online", &frame->online));
}

enum { BY_SERVER = 1 << FRAME_SIDE_SERVER, BY_CLIENT = 1 << FRAME_SIDE_CLIENT };

typedef struct {
    const char *name; /* NULL: known by its destination */
    frame_type_t type;
    unsigned read_by;
    err_t (*read)(frame_t *frame, frame_side_t side, size_t max_message_bytes);
} frame_reader_t;

static const frame_reader_t readers[] = {
    {"got", FRAME_GOT, BY_SERVER, read_got},
    {"receipt", FRAME_RECEIPT, BY_CLIENT, read_receipt},
    {"presence", FRAME_PRESENCE, BY_CLIENT, read_presence},
    {"partial", FRAME_PARTIAL, BY_SERVER | BY_CLIENT, read_partial},
    {"login", FRAME_LOGIN, BY_SERVER, read_login},
    {"login_success", FRAME_LOGIN_SUCCESS, BY_CLIENT, read_login_success},
    {"result", FRAME_RESULT, BY_CLIENT, read_result},
    {"error", FRAME_ERROR, BY_CLIENT, read_error},
};
static const frame_reader_t command_reader = {"command", FRAME_COMMAND, BY_SERVER, read_command};
static const frame_reader_t message_reader = {NULL, FRAME_MESSAGE, BY_SERVER | BY_CLIENT, read_message};

/* What has a destination or the type of a message is one, whatever is wrong with it: so its sender gets a
 * receipt. A command frame shares its word with messages of type command; those have a destination. */
static const frame_reader_t *find_reader(const cJSON *json)
{
    const char *name = json_string(json, "type");
    bool addressed = find(json, "destination") != NULL;
    message_type_t type;
    if (name == NULL)
        return addressed ? &message_reader : NULL;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (strcmp(name, readers[i].name) == 0)
            return &readers[i];
    }
    if (!addressed && strcmp(name, command_reader.name) == 0)
        return &command_reader;
    return addressed || message_type_parse(name, &type) ? &message_reader : NULL;
}

static err_t parse_object(frame_t *frame, frame_side_t side, size_t max_message_bytes, char id[ID_SIZE])
{
    const frame_reader_t *reader = find_reader(frame->json);
    if (reader == NULL || !(reader->read_by & 1u << side))
        return ERR_INVALID_FRAME;
    frame->type = reader->type;
    err_t err = reader->read(frame, side, max_message_bytes);
    const char *given = json_string(frame->json, "id");
    if (err != ERR_OK && id != NULL && frame->type == FRAME_MESSAGE && given != NULL &&
        id_is_valid(given, strlen(given)))
        strcpy(id, given);
    return err;
}

err_t frame_parse(const char *line, size_t length, frame_side_t side, size_t max_message_bytes, frame_t *out,
                  char id[ID_SIZE])
{
    if (id != NULL)
        id[0] = '\0';
    frame_t frame;
    memset(&frame, 0, sizeof frame);
    err_t err;
    frame.json = json_parse_why(line, length, &err);
    if (err == ERR_OK)
        err = !cJSON_IsObject(frame.json) ? ERR_NOT_JSON : parse_object(&frame, side, max_message_bytes, id);
    if (err == ERR_OK)
        *out = frame;
    else
        frame_free(&frame);
    return err;
}

void frame_free(frame_t *frame)
{
    message_free(&frame->message);
    cJSON_Delete(frame->json);
    frame->json = NULL;
}
