"""A browser's WebSocket to the adapter: JSON messages both ways."""

import json

from websockets.sync.client import connect

from .process import DEADLINE


class WebClient:
    def __init__(self, port: int, host: str = "127.0.0.1", origin: str | None = None):
        origin = origin or f"http://{host}:{port}"
        self._socket = connect(
            f"ws://{host}:{port}/ws", origin=origin, proxy=None, open_timeout=DEADLINE, legacy=True
        )
        self.frames: list[dict] = []

    def send(self, frame: dict):
        self._socket.send(json.dumps(frame))

    def recv(self, **members) -> dict:
        """The next frame with these members."""
        while True:
            frame = json.loads(self._socket.recv(timeout=DEADLINE))
            self.frames.append(frame)
            if all(frame.get(name) == value for name, value in members.items()):
                return frame

    def login(self, username: str) -> "WebClient":
        self.send({"type": "login", "username": username})
        self.recv(type="login_success")
        return self

    def chat(self, recipient: str, text: str, id: str):
        self.send({"type": "chat", "recipient": recipient, "message": text, "id": id})

    def close(self):
        self._socket.close()
