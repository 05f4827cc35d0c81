"""The message API on a disk of its own, started as often as needed, and requests to it."""

import json
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from . import strace
from .ports import reserve_port
from .process import DEADLINE, Program


def message(one: str, destination="bob", **members) -> dict:
    return {"id": one, "sender": "alice", "destination": destination, "message": f"text of {one}", **members}


class Disk:
    """The message API on one database file, started as often as needed."""

    def __init__(self, programs, folder: Path):
        self.programs = programs
        self.folder = folder
        self.database = folder / "data" / "messages.db"
        self.trace = folder / "trace"
        self.program: Program | None = None
        self._connection: HTTPConnection | None = None
        self._port = reserve_port()

    def start(self, *options: str, environment: dict[str, str] | None = None) -> "Disk":
        """With strace's options, under strace; does not wait."""
        arguments = ("--port", self._port, "--database", self.database)
        self.folder.mkdir(exist_ok=True)
        if options:
            self.program = strace.start(
                self.programs, self.trace, list(options), "p2p-message-api", *arguments, cwd=self.folder
            )
        else:
            self.program = self.programs.start(
                "p2p-message-api", *arguments, cwd=self.folder, environment=environment
            )
        return self

    def ask(self, method: str, path: str, document=None) -> tuple[int, dict]:
        """On one connection, as long as it lasts."""
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        body = None if document is None else json.dumps(document)
        try:
            self._connection.request(method, path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, HTTPException):
            self.hang_up()
            raise

    def kill(self):
        self.hang_up()
        self.program.kill()

    def hang_up(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def put(self, *messages: dict) -> tuple[int, list[str]]:
        status, answer = self.ask("POST", "/v1/messages", {"messages": list(messages)})
        return status, [result["status"] for result in answer.get("results", [])]

    def claim(self, username: str) -> int:
        status, answer = self.ask("POST", "/v1/claims", {"usernames": [username]})
        assert status == 200, answer
        return answer["results"][0]["epoch"]

    def mailbox(self, username: str) -> list[dict]:
        """All that waits, as a new owner sees it."""
        epoch, after, found, more = self.claim(username), 0, [], True
        while more:
            status, page = self.ask("GET", f"/v1/mailboxes/{username}?epoch={epoch}&after={after}")
            assert status == 200, page
            found += page["messages"]
            more = page["more"]
            after = found[-1]["seq"] if found else 0
        return found

    def acknowledge(self, username: str, epoch: int, *ids: str) -> int:
        keys = [{"sender": "alice", "id": one} for one in ids]
        acknowledgement = {"username": username, "epoch": epoch, "keys": keys}
        status, answer = self.ask("POST", "/v1/acknowledgements", {"acknowledgements": [acknowledgement]})
        assert status != 200 or answer == {"results": [{"status": "ok"}]}
        return status
