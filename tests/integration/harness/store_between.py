"""Between the chat server and the message API: passes requests on, and can be late with one of them."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .process import DEADLINE


class StoreBetween:
    """`port` stands for the API's. By path of a request:

    delay(path)   it is not passed on; the server is told that the store is away. arrive() passes all of those on.
    hold(path)    it is passed on, and its answer is held until let_go().
    """

    def __init__(self, api_port: int):
        self._api_port = api_port
        self._delayed_path = self._held_path = ""
        self._delayed: list[tuple[str, str, bytes, dict]] = []
        self._free = threading.Event()
        self._free.set()
        self.held = 0  # answers
        self.paths: list[str] = []  # of the requests that were passed on
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def delayed(self) -> int:
        return len(self._delayed)

    def delay(self, path: str):
        self._delayed_path = path

    def hold(self, path: str):
        self._held_path = path
        self._free.clear()

    def let_go(self):
        self._held_path = ""
        self._free.set()

    def arrive(self):
        """The late ones come to the API, one after the other; from now on none is late."""
        self._delayed_path = ""
        for request in self._delayed:
            status, _ = self._ask(*request)
            assert status == 200
        self._delayed.clear()

    def close(self):
        self.let_go()
        self._server.shutdown()
        self._server.server_close()

    def _ask(self, method: str, path: str, body: bytes, headers: dict) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._api_port, timeout=DEADLINE)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            self.paths.append(path)
            return response.status, response.read()
        finally:
            connection.close()

    def _answer(self, method: str, path: str, body: bytes, headers: dict) -> tuple[int, bytes]:
        if path == self._delayed_path:
            self._delayed.append((method, path, body, headers))
            return 503, b'{"detail":"late"}'
        answer = self._ask(method, path, body, headers)
        if path == self._held_path:
            self.held += 1
            self._free.wait(DEADLINE)
        return answer

    def _make_handler(self):
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {"Content-Type": "application/json"}
                status, answer = between._answer(self.command, self.path, body, headers)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = _pass_on

            def log_message(self, *arguments):
                pass

        return Handler
