/* The wire formats of the servers that are compared. Parsers take the shapes that the servers are known to write. */
#include "load.h"
#include <stdio.h>
#include <string.h>

/* ---- helpers ---- */

static size_t line_length(const char *data, size_t length)
{
    const char *end = memchr(data, '\n', length);

    return end ? (size_t)(end - data) + 1 : 0;
}

static bool starts(const char *data, size_t length, const char *prefix)
{
    size_t prefix_length = strlen(prefix);

    return length >= prefix_length && memcmp(data, prefix, prefix_length) == 0;
}

/* The text behind `member` (`"id":"`) up to the next quote; NULL when it is not there. */
static const char *find_member(const char *line, size_t length, const char *member, size_t *value_length)
{
    const char *found = memmem(line, length, member, strlen(member));

    if (!found)
        return NULL;
    const char *value = found + strlen(member);
    const char *end = memchr(value, '"', length - (size_t)(value - line));
    *value_length = end ? (size_t)(end - value) : 0;
    return end ? value : NULL;
}

/* One string member behind the other, as our server writes them: searches would make the generator slower than the
 * server. Moves *at behind the value's quote. */
static bool take_value(const char **at, const char *end, const char *before, const char **value,
                       size_t *value_length)
{
    size_t length = strlen(before);

    if ((size_t)(end - *at) < length || memcmp(*at, before, length) != 0)
        return false;
    *value = *at + length;
    const char *quote = memchr(*value, '"', (size_t)(end - *value));
    if (!quote)
        return false;
    *value_length = (size_t)(quote - *value);
    *at = quote + 1;
    return true;
}

static void append_two(bytes_t *out, const char *before, const char *value, size_t length)
{
    bytes_append_text(out, before);
    bytes_append(out, value, length);
}

/* ---- bare relay: lines between the two of a pair, unread ---- */

static const char *relay_open(connection_t *connection, char *text, size_t size)
{
    (void)connection;
    (void)size;
    return strcpy(text, "\n"); /* its own greeting comes back when the pair is complete */
}

static size_t relay_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    if (!connection->ready) {
        load_ready(load, connection);
        return 1;
    }
    if (length < PAYLOAD_BYTES + 1)
        return 0;
    load_message(load, connection, data);
    return PAYLOAD_BYTES + 1;
}

static void relay_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    (void)to;
    bytes_append(&connection->out, payload, PAYLOAD_BYTES);
    bytes_append(&connection->out, "\n", 1);
}

/* ---- ours: logged in is who has been told what was in the mailbox ---- */

#define PROMPT "Enter your username: "

static const char *text_open(connection_t *connection, char *text, size_t size)
{
    snprintf(text, size, "%s\n!check\n", connection->name);
    return text;
}

static size_t text_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    if (!connection->stage) {
        if (length < strlen(PROMPT))
            return 0;
        connection->stage = 1;
        return strlen(PROMPT);
    }
    size_t line = line_length(data, length);
    if (line == 0)
        return 0;
    if (starts(data, line, "[u") && line > PAYLOAD_BYTES)
        load_message(load, connection, data + line - 1 - PAYLOAD_BYTES);
    else if (starts(data, line, "No stored messages."))
        load_ready(load, connection);
    else if (starts(data, line, "User '"))
        load_receipt(load, connection);
    else if (!starts(data, line, "Connected!"))
        fail("%s: %.*s", connection->name, (int)line, data);
    return line;
}

static void text_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    bytes_append_text(&connection->out, to);
    bytes_append(&connection->out, ": ", 2);
    bytes_append(&connection->out, payload, PAYLOAD_BYTES);
    bytes_append(&connection->out, "\n", 1);
}

/* ---- ours, JSON ---- */

static const char *json_open(connection_t *connection, char *text, size_t size)
{
    snprintf(text, size,
             "{\"type\":\"login\",\"username\":\"%s\"}\n{\"type\":\"command\",\"command\":\"check\"}\n",
             connection->name);
    return text;
}

/* To who is online, `delivered` is the last word (in durable mode behind `stored`); to who is away, `stored` is. */
static void take_receipt(load_t *load, connection_t *connection, const char *receipt, size_t length)
{
    const char *last = load->work->senders_only ? "stored" : "delivered";
    const char *at = receipt, *end = receipt + length, *id, *status;
    size_t id_length, status_length;

    if (!take_value(&at, end, "{\"type\":\"receipt\",\"id\":\"", &id, &id_length) ||
        !take_value(&at, end, ",\"status\":\"", &status, &status_length))
        status = find_member(receipt, length, "\"status\":\"", &status_length);
    if (!status || starts(status, status_length, "rejected"))
        fail("%s: %.*s", connection->name, (int)length, receipt);
    if (starts(status, status_length, last))
        load_receipt(load, connection);
}

#define TEXT_BEFORE "\"message\":\""
#define TEXT_BEHIND "\"}\n"

static void json_message(load_t *load, connection_t *connection, const char *line, size_t length)
{
    const size_t behind = strlen(TEXT_BEHIND), before = strlen(TEXT_BEFORE);
    const char *at = line, *end = line + length, *id, *sender;
    size_t id_length, sender_length;

    bool whole = take_value(&at, end, "{\"id\":\"", &id, &id_length) &&
                 take_value(&at, end, ",\"sender\":\"", &sender, &sender_length) &&
                 (size_t)(end - at) > before + PAYLOAD_BYTES + behind;
    const char *text = end - behind - PAYLOAD_BYTES;
    if (!whole || memcmp(text - before, TEXT_BEFORE, before) != 0 ||
        memcmp(end - behind, TEXT_BEHIND, behind) != 0)
        fail("%s: %.*s", connection->name, (int)length, line);
    append_two(&connection->out, "{\"type\":\"got\",\"sender\":\"", sender, sender_length);
    append_two(&connection->out, "\",\"id\":\"", id, id_length);
    bytes_append_text(&connection->out, "\"}\n");
    load_queue(load, connection);
    load_message(load, connection, text);
}

static size_t json_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    if (!connection->stage) {
        if (length < strlen(PROMPT))
            return 0;
        connection->stage = 1;
        return strlen(PROMPT);
    }
    size_t line = line_length(data, length);
    if (line == 0)
        return 0;
    if (starts(data, line, "{\"id\":"))
        json_message(load, connection, data, line);
    else if (starts(data, line, "{\"type\":\"receipt\""))
        take_receipt(load, connection, data, line);
    else if (starts(data, line, "{\"type\":\"result\""))
        load_ready(load, connection);
    else if (!starts(data, line, "{\"type\":\"presence\"") &&
             !starts(data, line, "{\"type\":\"login_success\""))
        fail("%s: %.*s", connection->name, (int)line, data);
    return line;
}

static void json_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    append_two(&connection->out, "{\"type\":\"chat\",\"destination\":\"", to, strlen(to));
    append_two(&connection->out, "\",\"message\":\"", payload, PAYLOAD_BYTES);
    bytes_append_text(&connection->out, "\"}\n");
}

/* ---- NATS ---- */

static const char *nats_open(connection_t *connection, char *text, size_t size)
{
    snprintf(text, size, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s 1\r\nPING\r\n",
             connection->name);
    return text;
}

static size_t nats_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    size_t line = line_length(data, length);

    if (line == 0)
        return 0;
    if (starts(data, line, "MSG ")) {
        if (length < line + PAYLOAD_BYTES + 2)
            return 0;
        load_message(load, connection, data + line);
        return line + PAYLOAD_BYTES + 2;
    }
    if (starts(data, line, "PONG")) {
        load_ready(load, connection);
    } else if (starts(data, line, "PING")) {
        bytes_append_text(&connection->out, "PONG\r\n");
        load_queue(load, connection);
    } else if (starts(data, line, "-ERR")) {
        fail("%s: %.*s", connection->name, (int)line, data);
    }
    return line;
}

static void nats_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    append_two(&connection->out, "PUB ", to, strlen(to));
    bytes_append_text(&connection->out, " 64\r\n");
    bytes_append(&connection->out, payload, PAYLOAD_BYTES);
    bytes_append(&connection->out, "\r\n", 2);
}

/* ---- IRC ---- */

static const char *irc_open(connection_t *connection, char *text, size_t size)
{
    snprintf(text, size, "NICK %s\r\nUSER %s 0 * :%s\r\n", connection->name, connection->name,
             connection->name);
    return text;
}

static size_t irc_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    size_t line = line_length(data, length);

    if (line == 0)
        return 0;
    if (starts(data, line, "PING ")) {
        append_two(&connection->out, "PONG ", data + 5, line - 5);
        load_queue(load, connection);
    } else if (starts(data, line, "ERROR")) {
        fail("%s: %.*s", connection->name, (int)line, data);
    } else if (connection->ready && memmem(data, line, " PRIVMSG ", 9)) {
        load_message(load, connection, data + line - 2 - PAYLOAD_BYTES);
    } else if (memmem(data, line, " 376 ", 5) || memmem(data, line, " 422 ", 5)) { /* end of the greeting */
        load_ready(load, connection);
    }
    return line;
}

static void irc_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    append_two(&connection->out, "PRIVMSG ", to, strlen(to));
    append_two(&connection->out, " :", payload, PAYLOAD_BYTES);
    bytes_append(&connection->out, "\r\n", 2);
}

/* ---- MQTT 3.1.1, QoS 0 ---- */

static void mqtt_text(char **out, const char *text)
{
    size_t length = strlen(text);

    *(*out)++ = (char)(length >> 8);
    *(*out)++ = (char)length;
    memcpy(*out, text, length);
    *out += length;
}

static void mqtt_append_connect(connection_t *connection)
{
    char packet[64] = {0x10}, *out = packet + 2;

    mqtt_text(&out, "MQTT");
    *out++ = 4; /* level: 3.1.1 */
    *out++ = 2; /* clean session */
    *out++ = 0;
    *out++ = 0; /* no keep-alive */
    mqtt_text(&out, connection->name);
    packet[1] = (char)(out - packet - 2);
    bytes_append(&connection->out, packet, (size_t)(out - packet));
}

static void mqtt_append_subscribe(connection_t *connection)
{
    char packet[64] = {(char)0x82}, *out = packet + 2;

    *out++ = 0;
    *out++ = 1; /* packet id */
    mqtt_text(&out, connection->name);
    *out++ = 0; /* QoS */
    packet[1] = (char)(out - packet - 2);
    bytes_append(&connection->out, packet, (size_t)(out - packet));
}

static const char *mqtt_open(connection_t *connection, char *text, size_t size)
{
    (void)size;
    mqtt_append_connect(connection);
    text[0] = '\0';
    return text;
}

static size_t mqtt_take_as(load_t *load, connection_t *connection, char *data, size_t length, bool subscribes)
{
    if (length < 2 || length < 2 + (size_t)data[1]) /* all are below 128 bytes: one byte of length */
        return 0;
    size_t packet = 2 + (size_t)data[1];
    switch ((unsigned char)data[0] >> 4) {
    case 2: /* CONNACK */
        if (data[3] != 0)
            fail("%s: refused with %d", connection->name, data[3]);
        if (subscribes) {
            mqtt_append_subscribe(connection);
            load_queue(load, connection);
        } else {
            load_ready(load, connection);
        }
        break;
    case 3: /* PUBLISH */
        load_message(load, connection, data + packet - PAYLOAD_BYTES);
        break;
    case 9: /* SUBACK */
        load_ready(load, connection);
        break;
    default:
        fail("%s: packet type %d", connection->name, (unsigned char)data[0] >> 4);
    }
    return packet;
}

static size_t mqtt_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    return mqtt_take_as(load, connection, data, length, true);
}

static size_t mqtt_login_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    return mqtt_take_as(load, connection, data, length, false);
}

static void mqtt_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    size_t length = strlen(to);
    char header[4] = {0x30, (char)(2 + length + PAYLOAD_BYTES), 0, (char)length};

    bytes_append(&connection->out, header, sizeof header);
    bytes_append(&connection->out, to, length);
    bytes_append(&connection->out, payload, PAYLOAD_BYTES);
}

/* ---- WebSocket: ours through the adapter, and a bare echo ----
 * Both carry the same frames for a message: its own in and out again, then `got` in and an answer out, which is the
 * receipt from ours and `got` itself from the echo. */

enum { WS_HTTP, WS_OPEN };
#define ANY_ID "00000000-0000-7000-8000-000000000000"

static const char *ws_open(connection_t *connection, char *text, size_t size)
{
    (void)connection;
    snprintf(text, size,
             "GET /ws HTTP/1.1\r\nHost: bench\r\nOrigin: http://bench\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n");
    return text;
}

/* A text frame of a client: masked, with a mask of zeros, which costs the server what any mask costs. */
static void ws_begin(connection_t *connection, size_t length)
{
    unsigned char header[8] = {0x81, (unsigned char)(0x80 | length)};
    size_t size = 2;

    if (length > 125) {
        header[1] = 0x80 | 126;
        header[size++] = (unsigned char)(length >> 8);
        header[size++] = (unsigned char)length;
    }
    bytes_append(&connection->out, (char *)header, size);
    bytes_append(&connection->out, "\0\0\0\0", 4);
}

static void ws_text(connection_t *connection, const char *text, size_t length)
{
    ws_begin(connection, length);
    bytes_append(&connection->out, text, length);
}

static size_t ws_take_upgrade(load_t *load, connection_t *connection, char *data, size_t length)
{
    char login[128];
    char *end = memmem(data, length, "\r\n\r\n", 4);

    if (!end)
        return 0;
    if (!starts(data, length, "HTTP/1.1 101"))
        fail("%s: no upgrade: %.40s", connection->name, data);
    connection->stage = WS_OPEN;
    if (load->protocol->echoes) {
        load_ready(load, connection);
    } else {
        int size = snprintf(login, sizeof login, "{\"type\":\"login\",\"username\":\"%s\",\"got\":true}",
                            connection->name);
        ws_text(connection, login, (size_t)size);
        load_queue(load, connection);
    }
    return (size_t)(end - data) + 4;
}

static void ws_got(connection_t *connection, const char *sender, size_t sender_length, const char *id,
                   size_t id_length)
{
    char text[256];
    int size = snprintf(text, sizeof text, "{\"type\":\"got\",\"sender\":\"%.*s\",\"id\":\"%.*s\"}",
                        (int)sender_length, sender, (int)id_length, id);

    ws_text(connection, text, (size_t)size);
}

static void ws_message(load_t *load, connection_t *connection, const char *text, size_t length)
{
    size_t message_length, sender_length, id_length;
    const char *message = find_member(text, length, "\"message\":\"", &message_length);

    if (!message || message_length != PAYLOAD_BYTES)
        fail("%s: %.*s", connection->name, (int)length, text);
    if (load->protocol->echoes) {
        ws_got(connection, connection->name, strlen(connection->name), ANY_ID, strlen(ANY_ID));
    } else {
        const char *sender = find_member(text, length, "\"sender\":\"", &sender_length);
        const char *id = find_member(text, length, "\"id\":\"", &id_length);
        if (!sender || !id)
            fail("%s: %.*s", connection->name, (int)length, text);
        ws_got(connection, sender, sender_length, id, id_length);
    }
    load_queue(load, connection);
    load_message(load, connection, message);
}

static size_t ws_take(load_t *load, connection_t *connection, char *data, size_t length)
{
    if (connection->stage == WS_HTTP)
        return ws_take_upgrade(load, connection, data, length);
    if (length < 4)
        return 0;
    size_t header = 2, size = (unsigned char)data[1];
    if (size == 126) {
        size = (size_t)(unsigned char)data[2] << 8 | (unsigned char)data[3];
        header = 4;
    }
    if ((unsigned char)data[1] == 127 || ((unsigned char)data[0] != 0x81 && (unsigned char)data[0] != 0x89))
        fail("%s: frame %02x, %zu", connection->name, (unsigned char)data[0], size);
    if (length < header + size)
        return 0;
    const char *text = data + header;
    if (starts(text, size, "{\"type\":\"chat\""))
        ws_message(load, connection, text, size);
    else if (starts(text, size, "{\"type\":\"receipt\""))
        take_receipt(load, connection, text, size);
    else if (starts(text, size, "{\"type\":\"got\""))
        load_receipt(load, connection);
    else if (starts(text, size, "{\"type\":\"login_success\""))
        load_ready(load, connection);
    else if (starts(text, size, "{\"type\":\"error\""))
        fail("%s: %.*s", connection->name, (int)size, text);
    return header + size;
}

static void ws_send(connection_t *connection, const char *to, const char payload[PAYLOAD_BYTES])
{
    char text[256];
    int size = snprintf(text, sizeof text, "{\"type\":\"chat\",\"recipient\":\"%s\",\"message\":\"%.*s\"}",
                        to, PAYLOAD_BYTES, payload);

    ws_text(connection, text, (size_t)size);
}

const protocol_t protocols[] = {
    {"relay", false, false, relay_open, relay_take, relay_send},
    {"text", false, false, text_open, text_take, text_send},
    {"json", false, true, json_open, json_take, json_send},
    {"nats", false, false, nats_open, nats_take, nats_send},
    {"irc", false, false, irc_open, irc_take, irc_send},
    {"mqtt", false, false, mqtt_open, mqtt_take, mqtt_send},
    {"mqtt-login", false, false, mqtt_open, mqtt_login_take, mqtt_send},
    {"ws", false, true, ws_open, ws_take, ws_send},
    {"ws-echo", true, true, ws_open, ws_take, ws_send},
};
const size_t protocol_count = sizeof protocols / sizeof protocols[0];
