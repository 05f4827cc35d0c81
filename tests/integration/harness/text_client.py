"""A person with netcat: bytes out, text in. Remembers everything that came (`transcript`)."""

import socket
import time

from .process import DEADLINE


class TextClient:
    def __init__(self, port: int, host: str = "127.0.0.1"):
        self._socket = socket.create_connection((host, port), DEADLINE)
        self._data = bytearray()
        self._seen = 0  # expect() searches behind this
        self._ended = False

    @property
    def transcript(self) -> str:
        return self._data.decode("utf-8", "replace")

    def send(self, data: bytes | str):
        """Sends the bytes as they are: add your own newline."""
        self._socket.settimeout(DEADLINE)
        self._socket.sendall(data.encode() if isinstance(data, str) else data)

    def line(self, text: str):
        self.send(text + "\n")

    def login(self, username: str) -> "TextClient":
        self.expect("Enter your username: ")
        self.line(username)
        self.expect("Connected! Users online:")
        self.expect("\n")
        return self

    def _receive(self, seconds: float) -> bool:
        """False when nothing more comes: end of stream or time over."""
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
        self._data += chunk
        return bool(chunk)

    def expect(self, text: str, seconds: float = DEADLINE) -> str:
        """Waits for the text behind what earlier calls of expect() found; returns all from there to its end."""
        wanted = text.encode()
        end = time.monotonic() + seconds
        while True:
            at = self._data.find(wanted, self._seen)
            if at >= 0:
                found = self._data[self._seen : at + len(wanted)]
                self._seen = at + len(wanted)
                return found.decode("utf-8", "replace")
            if not self._receive(end - time.monotonic()):
                why = "the server closed" if self._ended else f"not within {seconds:.0f} s"
                raise AssertionError(f"no {text!r}: {why}; behind the last match came: {bytes(self._data[self._seen:])!r}")

    def expect_line(self, text: str, seconds: float = DEADLINE) -> str:
        """Waits for the text, and returns the whole line that holds it (without its newline)."""
        before = self.expect(text, seconds)
        rest = self.expect("\n", seconds)
        return (before + rest).rstrip("\n").rsplit("\n", 1)[-1]

    def expect_close(self, seconds: float = DEADLINE) -> str:
        """Waits until the server closes the connection; returns what came behind the last match."""
        end = time.monotonic() + seconds
        while self._receive(end - time.monotonic()):
            pass
        assert self._ended, f"the server did not close within {seconds:.0f} s; transcript: {self.transcript!r}"
        return self._data[self._seen :].decode("utf-8", "replace")

    def shutdown_write(self):
        """Says that nothing more will be sent; still reads."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._socket.close()

    def reset(self):
        """Cuts the connection with RST, as a crashed machine would."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._socket.close()
