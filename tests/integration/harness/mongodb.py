"""A server of MongoDB's protocol: mongod when it is installed, else FerretDB as built by tests/tools.sh."""

import os
import shutil
import signal
import socket
from pathlib import Path

from .ports import reserve_port
from .process import Program, Programs, wait_until

_ROOT = Path(__file__).resolve().parents[3]
_FERRETDB = Path(os.environ.get("P2P_FERRETDB", _ROOT / "build" / "tools" / "ferretdb"))


def missing() -> str:
    """Why there is none, "" when there is one."""
    if shutil.which("mongod") or _FERRETDB.exists():
        return ""
    return "no mongod in the path, and FerretDB is not built (tests/tools.sh builds it where Go 1.21 or later is)"


def command(folder: Path, port: int) -> list:
    """What starts one: the program and its arguments."""
    mongod = shutil.which("mongod")
    if mongod:
        return [mongod, "--dbpath", folder, "--port", port, "--bind_ip", "127.0.0.1"]
    return [str(_FERRETDB), "--data", folder, "--port", port]


class MongoServer:
    """`url` is what MONGO_URL takes. Comes back on the same port, with its data, after stop() or kill()."""

    def __init__(self, programs: Programs, folder: Path):
        self._programs = programs
        self._folder = folder
        self.port = reserve_port()
        self.url = f"mongodb://127.0.0.1:{self.port}"
        self.program: Program | None = None

    def start(self) -> "MongoServer":
        self._folder.mkdir(parents=True, exist_ok=True)
        self.program = self._programs.start(*command(self._folder, self.port), cwd=self._folder)
        wait_until(self._answers, "the MongoDB server listens")
        return self

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def pause(self):
        """It hangs: connections are taken by the kernel, and nothing is answered. Ends with resume()."""
        self.program.signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.program.pid}/task")
        wait_until(
            lambda: all(task.read_text().rsplit(")", 1)[1].split()[0] == "T" for task in tasks.glob("*/stat")),
            "all its threads stand still",
        )

    def resume(self):
        self.program.signal(signal.SIGCONT)

    def stop(self):
        self.program.stop()

    def kill(self):
        self.program.kill()
