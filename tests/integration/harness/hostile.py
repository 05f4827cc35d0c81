"""What hostile peers send, as tables, and what must hold of everything that anybody is shown."""

import re

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"

# Characters and bytes that end lines, move cursors, turn or hide what is written, or are no UTF-8.
TRICKS = {
    "LF": b"\n",
    "CR": b"\r",
    "CRLF": b"\r\n",
    "NUL": b"\0",
    "VT": b"\v",
    "FF": b"\f",
    "BS": b"\b\b\b\b\b\b\b\b",
    "DEL": b"\x7f",
    "BEL": b"\x07",
    "NEL": "\x85".encode(),
    "LS": "\u2028".encode(),
    "PS": "\u2029".encode(),
    "RLO": "\u202e".encode(),
    "LRO": "\u202d".encode(),
    "RLE": "\u202b".encode(),
    "PDF": "\u202c".encode(),
    "RLI": "\u2067".encode(),
    "FSI": "\u2068".encode(),
    "PDI": "\u2069".encode(),
    "RLM": "\u200f".encode(),
    "ALM": "\u061c".encode(),
    "ZWSP": "\u200b".encode(),
    "ZWJ": "\u200d".encode(),
    "BOM": "\ufeff".encode(),
    "tag": "\U000e0041".encode(),
    "filler": "\u3164".encode(),
    "CSI": b"\x1b[2J\x1b[1;1H\x1b[31m",
    "CSI, 8 bits": b"\x9b2J\x9b1;1H",
    "CSI, C1": "\x9b2J\x9b31m".encode(),
    "OSC 52": b"\x1b]52;c;ZXZpbA==\x07",
    "OSC 52, C1": "\x9d52;c;ZXZpbA==\x9c".encode(),
    "OSC 8": b"\x1b]8;;http://evil.example\x1b\\",
    "OSC 0": b"\x1b]0;evil\x07",
    "DCS": b"\x1bP$q\"p\x1b\\",
    "APC": b"\x1b_Gevil\x1b\\",
    "PM": b"\x1b^evil\x1b\\",
    "SO": b"\x0e",
    "RIS": b"\x1bc",
    "DECSET": b"\x1b[?1049h",
    "report": b"\x1b[6n\x1b[c",
    "overlong LF": b"\xc0\x8a",
    "overlong ESC": b"\xe0\x80\x9b",
    "surrogate": b"\xed\xa0\x80",
    "cut": b"\xe2\x80",
    "too high": b"\xf4\x90\x80\x80",
    "no UTF-8": b"\xff\xfe",
}

# Lines that somebody else, or the server, could have said.
FORGERIES = [
    b"[carol][2026-11-22T17:01:39.123456+00:00] send me your password",
    b"[Stored] [CHAT][2026-11-22T17:01:39.123456+00:00][carol] pay at once",
    b"User 'bob' is offline. Message saved.",
    b"Username already taken. Disconnecting...",
    b'{"type":"receipt","id":"x","status":"delivered"}',
    b"17:01 carol: pay at once",
]


def texts() -> list[bytes]:
    return [b"hello" + trick + forgery for trick in TRICKS.values() for forgery in FORGERIES]


def names() -> list[bytes]:
    """Names with a trick at each end and in the middle. A line's end at a name's end is only a line's end."""
    return [
        name
        for trick in TRICKS.values()
        for name in (trick + b"carol", b"car" + trick + b"ol", b"carol" + trick)
        if name.strip(b"\r\n") != b"carol" and b"\n" not in name
    ]


# What looks like `openai` and is not.
LOOKALIKES = [
    "\u043epenai", "o\u0440enai", "op\u0435nai", "open\u0430i", "opena\u0456", "\u03bfpenai", "ope\u03b7ai", "\u0585penai",
    "OPENAI", "OpenAI", "\uff4f\uff50\uff45\uff4e\uff41\uff49", "\U0001d428\U0001d429\U0001d41e\U0001d427\U0001d41a\U0001d422",
    "op\u0435n\u0430\u0456", "\u041eP\u0415NAI",
]

SQL = [
    "'", "''", '"', "`", "';", "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "bob' --", "bob'/*", "'; DROP TABLE messages; --",
    "'; UPDATE messages SET acknowledged_at=1; --", "') UNION SELECT * FROM messages --", "' AND sleep(9) --", "%", "_", "*", "?1",
    ":a", "@a", "$a", "x'00'", "CAST(1 AS TEXT)", "bob\\", "\\'", "1; ATTACH DATABASE '/tmp/x' AS x",
]
# Operators where a text belongs.
NOSQL = [
    {"$gt": ""}, {"$ne": None}, {"$ne": "x"}, {"$regex": ".*"}, {"$where": "sleep(9999) || true"}, {"$exists": True},
    {"$in": ["victim", "bob"]}, {"$or": [{}, {"a": "a"}]}, {"$expr": {"$eq": [1, 1]}}, {"$function": {"body": "x"}}, {"$oid": "0" * 24},
    ["victim"], [], {}, None, True, 0, 1e308, [{"$gt": ""}],
]

_UP = ["..", "%2e%2e", "%2E%2E", "%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e", "..;", "....", ".%2e", "..%00", "..%5c"]
_SLASH = ["/", "%2f", "%252f", "%c0%af", "\\", "%5c", "//"]


def paths(file: str) -> list[str]:
    """Ways up and out of a folder, to that file beside or above it."""
    ways = [f"/{slash.join([up] * depth + [file])}" for up in _UP for slash in _SLASH for depth in (1, 8)]
    ways += [f"/js/{way[1:]}" for way in ways[::3]]
    return ways + [f"//{file}", f"/{file}", f"/./{file}", f"/%2f{file}", f"file://{file}", f"/index.html/../../{file}", f"/?{file}"]


# The first words of programs that came to the wrong port.
PROTOCOLS = {
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.0": b"POST / HTTP/1.0\r\nContent-Length: 9\r\n\r\nevil\nbob:",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "TLS hello": bytes.fromhex("160301020001 0001fc0303") + bytes(range(200)),
    "TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "SSLv2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": b"EHLO evil.example\r\nMAIL FROM:<a@b>\r\n",
    "FTP": b"USER anonymous\r\nPASS x\r\n",
    "IMAP": b"a1 LOGIN a b\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "memcached": b"stats\r\n",
    "MQTT": b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil",
    "AMQP": b"AMQP\0\0\x09\x01",
    "MongoDB": b"\x3a\0\0\0\1\0\0\0\0\0\0\0\xd4\7\0\0\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff",
    "PostgreSQL": b"\0\0\0\x08\x04\xd2\x16\x2f",
    "SMB": b"\0\0\0\x2f\xffSMBr\0\0\0\0",
    "RDP": b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0",
    "SOCKS": b"\x05\x01\x00",
    "telnet": b"\xff\xfd\x18\xff\xfd\x20",
    "IRC": b"NICK evil\r\nUSER evil 0 * :evil\r\n",
    "DNS": b"\0\x1d\0\0\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3",
    "proxy": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "WebSocket": b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "our JSON": b'{"type":"login","username":"evil two"}\n{"type":"chat","destination":"bob","message":"x"}\n',
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "line ends": b"\r\n" * 2000,
}

_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmful(shown: bytes, tabs: bool = True) -> str:
    """What in it could do something to a terminal, or is no text; "" when nothing is."""
    try:
        text = shown.decode()
    except UnicodeDecodeError as error:
        return str(error)
    found = _HARMFUL.search(text)
    if found is None and not tabs:
        found = re.search("\t", text)
    return repr(text[max(found.start() - 40, 0) : found.end() + 20]) if found else ""


_LOG_LINE = re.compile(rf"{TIME} (debug|info|warning|error) [a-z_-]+ [a-z_]+( [a-z_]+=(\"([^\"\\]|\\.)*\"|[-0-9.]+))*")


# What MongoDB's library may say while it is loaded, before the program begins: in full, so nobody forges with it.
_OF_A_LIBRARY = re.compile(r"[\d/:. ]+: \[ *\d+\]: +WARNING: +mongoc: Falling back to malloc for counters\.")


def forged_log_lines(log: str) -> list[str]:
    """Lines that no program of ours writes."""
    lines = [line for line in log.splitlines() if not _OF_A_LIBRARY.fullmatch(line)]
    return [line for line in lines if not _LOG_LINE.fullmatch(line) or harmful(line.encode())]
