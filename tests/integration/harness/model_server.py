"""A chat completions server that does what no honest one does: splits at every byte, stalls, cuts, lies.

Each request is answered by the next of `script`, and by `usual` when the script is at its end. Behaviours are
functions of an Exchange; the ones below make them."""

import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

from .process import DEADLINE, wait_until

CUT, END = "cut", "end"


class Exchange:
    """One request, and ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: dict, stopping: threading.Event):
        self._handler = handler
        self.body = body
        self.key = handler.headers.get("Authorization", "")
        self.stopping = stopping

    @property
    def question(self) -> str:
        return self.body["messages"][-1]["content"]

    @property
    def system(self) -> str:
        return self.body["messages"][0]["content"]

    def begin(self, content_type: str = "text/event-stream"):
        self._handler.wfile.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )

    def write(self, data: bytes):
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self):
        self._handler.wfile.write(b"0\r\n\r\n")

    def cut(self):
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, status: int, body: bytes, headers: dict | None = None):
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._handler.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)


def chunk(content: str | None = None, finish: str | None = None, **members) -> bytes:
    delta = {} if content is None else {"content": content}
    event = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps({**event, **members}, ensure_ascii=False).encode() + b"\n\n"


def stream_of(text: str, size: int = 7, tokens: int | None = None) -> bytes:
    """The bytes of a whole, proper stream."""
    parts = [chunk(text[at : at + size]) for at in range(0, len(text), size)]
    parts.append(chunk(finish="stop"))
    if tokens is not None:
        parts.append(b'data: {"choices":[],"usage":{"total_tokens":%d}}\n\n' % tokens)
    return b"".join(parts) + b"data: [DONE]\n\n"


def say(text, tokens: int | None = None, line_end: bytes = b"\n", bytewise: bool = False):
    """A proper answer; text may be a function of the exchange. bytewise: every byte comes alone."""

    def behave(exchange: Exchange):
        data = stream_of(text(exchange) if callable(text) else text, tokens=tokens).replace(b"\n", line_end)
        exchange.begin()
        for at in range(0, len(data), 1 if bytewise else len(data)):
            exchange.write(data[at : at + (1 if bytewise else len(data))])
        exchange.end()

    return behave


def grow(*parts: str, step: threading.Semaphore):
    """Sends one part for each time that `step` is released."""

    def behave(exchange: Exchange):
        exchange.begin()
        for part in parts:
            if not step.acquire(timeout=DEADLINE) or exchange.stopping.is_set():
                return exchange.cut()
            exchange.write(chunk(part))
        exchange.write(chunk(finish="stop") + b"data: [DONE]\n\n")
        exchange.end()

    return behave


def break_off(*data: bytes, then: str):
    """Begins a stream, and cuts the connection, or is silent for ever (then=None), or ends it as if it were whole."""

    def behave(exchange: Exchange):
        exchange.begin()
        for piece in data:
            exchange.write(piece)
        if then == END:
            return exchange.end()
        if then != CUT:
            exchange.stopping.wait(DEADLINE)
        exchange.cut()

    return behave


def silent(exchange: Exchange):
    exchange.stopping.wait(DEADLINE)
    exchange.cut()


def refuse(status: int, body: bytes = b"", **headers):
    return lambda exchange: exchange.answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def plain(body: bytes, content_type: str = "application/json"):
    """200 with that body, no stream."""
    return lambda exchange: exchange.answer(200, body, {"Content-Type": content_type})


class ModelServer:
    def __init__(self):
        self.script: list = []
        self.usual = say(lambda exchange: f"You said: {exchange.question}")
        self.exchanges: list[Exchange] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/v1/chat/completions", self.path
                outer._serve(Exchange(self, body, outer._stopping))

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

            def handle_error(self, *_):
                pass  # the bot closed: that is its right

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _serve(self, exchange: Exchange):
        with self._lock:
            self.exchanges.append(exchange)
            behave = self.script.pop(0) if self.script else self.usual
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            behave(exchange)
        finally:
            with self._lock:
                self._at_once -= 1

    def wait_requests(self, count: int):
        wait_until(lambda: len(self.exchanges) >= count, f"{count} requests to the model")

    def close(self):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
