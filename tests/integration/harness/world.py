"""The message API and the chat server, started together on ports that stay the same over restarts.

`api` and `server` are the running Programs (None when stopped). Every client that is made here is closed at the end.
"""

from pathlib import Path

import requests

from .json_client import JsonClient
from .ports import reserve_port
from .process import DEADLINE, Program, Programs
from .text_client import TextClient


class World:
    def __init__(
        self,
        programs: Programs,
        folder: Path,
        api_arguments: tuple = (),
        server_arguments: tuple = (),
        environment: dict[str, str] | None = None,
    ):
        self.programs = programs
        self.folder = folder
        self.database = folder / "data" / "messages.db"
        self.api_port = reserve_port()
        self.server_port = reserve_port()
        self.api_url = f"http://127.0.0.1:{self.api_port}"
        self.api: Program | None = None
        self.server: Program | None = None
        self._api_arguments = api_arguments
        self._server_arguments = server_arguments
        self._environment = environment or {}
        self._clients: list = []
        self._http = requests.Session()
        self._http.trust_env = False

    def start(self) -> "World":
        self.start_api()
        self.start_server()
        return self

    # The programs

    def start_api(self) -> Program:
        self.api = self.programs.start(
            "p2p-message-api",
            *("--port", self.api_port, "--database", self.database, *self._api_arguments),
            environment=self._environment,
            cwd=self.folder,
        )
        return self.api.wait_ready()

    def start_server(self) -> Program:
        self.server = self.programs.start(
            "p2p-server",
            *("--port", self.server_port, "--api-base", self.api_url, *self._server_arguments),
            environment=self._environment,
            cwd=self.folder,
        )
        return self.server.wait_ready()

    def stop_api(self):
        self.api.stop()
        self.api = None

    def stop_server(self):
        self.server.stop()
        self.server = None

    def kill_api(self):
        self.api.kill()
        self.api = None

    def kill_server(self):
        self.server.kill()
        self.server = None

    def restart_api(self):
        self.stop_api()
        self.start_api()

    def restart_server(self):
        self.stop_server()
        self.start_server()

    # The people

    def connect_text(self) -> TextClient:
        """A connection that has not logged in."""
        client = TextClient(self.server_port)
        self._clients.append(client)
        return client

    def connect_json(self) -> JsonClient:
        client = JsonClient(self.server_port)
        self._clients.append(client)
        return client

    def text(self, username: str) -> TextClient:
        return self.connect_text().login(username)

    def json(self, username: str, token: str | None = None) -> JsonClient:
        return self.connect_json().login(username, token)

    def http(self, method: str, path: str, **options) -> requests.Response:
        """A request to the message API, e.g. http("GET", "/health")."""
        return self._http.request(method, self.api_url + path, timeout=DEADLINE, **options)

    def finish(self):
        for client in self._clients:
            client.close()
        self._http.close()
