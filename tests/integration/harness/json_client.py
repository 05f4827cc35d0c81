"""A program on a JSON session of the chat server: one JSON object a line, both ways."""

import json
import socket
import time

from .process import DEADLINE

_PROMPT = b"Enter your username: "


class JsonClient:
    """`frames` holds every frame that came. recv() takes the first one that fits, in the order in which they came;
    the others stay for later calls."""

    def __init__(self, port: int, host: str = "127.0.0.1"):
        self._socket = socket.create_connection((host, port), DEADLINE)
        self._pending = bytearray()
        self._prompt_left = len(_PROMPT)
        self._ended = False
        self.frames: list[dict] = []
        self._waiting: list[dict] = []

    def send_bytes(self, data: bytes):
        self._socket.settimeout(DEADLINE)
        self._socket.sendall(data)

    def send(self, frame: dict):
        self.send_bytes(json.dumps(frame, ensure_ascii=False).encode() + b"\n")

    def login(self, username: str, token: str | None = None) -> "JsonClient":
        """Logs in and waits for login_success (the frame is in `frames`, and in `welcome`)."""
        frame = {"type": "login", "username": username}
        if token is not None:
            frame["token"] = token
        self.send(frame)
        self.welcome = self.recv(lambda f: f["type"] in ("login_success", "error"))
        assert self.welcome["type"] == "login_success", self.welcome
        return self

    def message(self, destination: str, text: str, id: str | None = None, **members):
        frame = {"type": "chat", "destination": destination, "message": text, **members}
        if id is not None:
            frame["id"] = id
        self.send(frame)

    def command(self, name: str):
        self.send({"type": "command", "command": name})

    def got(self, frame: dict):
        self.send({"type": "got", "sender": frame["sender"], "id": frame["id"]})

    def _receive(self, seconds: float) -> bool:
        if self._ended:
            return False
        self._socket.settimeout(max(seconds, 0.001))
        try:
            chunk = self._socket.recv(65536)
        except TimeoutError:
            return False
        except ConnectionError:
            chunk = b""
        self._ended = not chunk
        dropped = min(self._prompt_left, len(chunk))
        self._prompt_left -= dropped
        self._pending += chunk[dropped:]
        *lines, rest = self._pending.split(b"\n")
        self._pending = bytearray(rest)
        for line in lines:
            frame = json.loads(line)
            self.frames.append(frame)
            self._waiting.append(frame)
        return bool(chunk)

    def _take(self, predicate) -> dict | None:
        for position, frame in enumerate(self._waiting):
            if predicate(frame):
                return self._waiting.pop(position)
        return None

    def recv(self, wanted=None, seconds: float = DEADLINE) -> dict:
        """The first frame for which `wanted` holds: a predicate, a frame type, or None for any."""
        if isinstance(wanted, str):
            type_name = wanted
            predicate = lambda frame: frame.get("type") == type_name and not (
                type_name == "command" and "sender" in frame
            )
        else:
            predicate = wanted or (lambda frame: True)
        end = time.monotonic() + seconds
        while True:
            frame = self._take(predicate)
            if frame is not None:
                return frame
            if not self._receive(end - time.monotonic()):
                # What came with the last bytes before the end still counts.
                frame = self._take(predicate)
                if frame is not None:
                    return frame
                why = "the server closed" if self._ended else f"not within {seconds:.0f} s"
                raise AssertionError(f"no such frame ({wanted!r}): {why}; waiting: {self._waiting!r}")

    def recv_message(self, text: str | None = None, seconds: float = DEADLINE) -> dict:
        """The next delivered message (with that text)."""
        return self.recv(
            lambda f: "destination" in f and "sender" in f and (text is None or f["message"] == text), seconds
        )

    def recv_receipt(self, id: str, status: str | None = None, seconds: float = DEADLINE) -> dict:
        return self.recv(
            lambda f: f["type"] == "receipt" and f["id"] == id and (status is None or f["status"] == status), seconds
        )

    def ping(self):
        """A round trip: everything that the server sent before is in `frames` then."""
        self.command("ping")
        self.recv(lambda f: f["type"] == "result" and f.get("command") == "ping")

    def expect_close(self, seconds: float = DEADLINE):
        end = time.monotonic() + seconds
        while self._receive(end - time.monotonic()):
            pass
        assert self._ended, f"the server did not close within {seconds:.0f} s; waiting: {self._waiting!r}"

    def close(self):
        self._socket.close()

    def reset(self):
        """Cuts the connection with RST, as a crashed machine would."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._socket.close()
