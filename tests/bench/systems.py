"""The servers that are compared, each started alone on a free loopback port, on the core that is theirs."""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BIN = TOP / "build/bench/bin"
SERVER_CORE, LOAD_CORE = "0", "1"
START_SECONDS = 20


class BenchError(Exception):
    pass


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise BenchError(f"{process.args[3]} does not listen on port {port}")


@dataclass
class Running:
    """A started system: the port to load, and its processes, the one that serves sessions first."""

    port: int
    processes: list[subprocess.Popen] = field(default_factory=list)

    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]


class Stage:
    """Starts programs in a folder of their own and ends them all."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen] = []

    def start(self, *command: str, environment: dict[str, str] | None = None, ready: str | None = None) -> tuple[subprocess.Popen, str]:
        """Starts it on the servers' core. With `ready`, waits for a line that holds it and answers that line."""
        log = (self.folder / f"{Path(command[0]).name}.log").open("wb")
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command],
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if ready else log,
            stderr=log,
        )
        self.processes.insert(0, process)
        return process, self._line(process, ready) if ready else ""

    @staticmethod
    def _line(process: subprocess.Popen, wanted: str) -> str:
        deadline = time.monotonic() + START_SECONDS
        text = b""
        while time.monotonic() < deadline:
            if select.select([process.stdout], [], [], 0.5)[0]:
                piece = os.read(process.stdout.fileno(), 4096)
                text += piece
                for line in text.decode(errors="replace").splitlines():
                    if wanted in line:
                        return line
                if not piece:
                    break
        raise BenchError(f"{process.args[3]}: not ready: {text.decode(errors='replace')}")

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def port_in(line: str) -> int:
    return int(re.search(r"\bport=(\d+)", line).group(1))


# Our limits protect people from each other; the generator is everybody at once.
OUR_LIMITS = {
    "P2P_RATE_LIMIT": "0",
    "P2P_MAILBOX_MESSAGES": "10000000",
    "P2P_MAILBOX_BYTES": "1073741824",
    "P2P_LOG_LEVEL": "warning",
}


def start_ours(stage: Stage, delivery: str) -> Running:
    api, line = stage.start(str(BIN / "p2p-message-api"), "--port", "0", "--database", "messages.db", environment=OUR_LIMITS, ready="ready ")
    base = f"http://127.0.0.1:{port_in(line)}"
    server, line = stage.start(
        str(BIN / "p2p-server"), "--port", "0", "--api-base", base, "--delivery", delivery, environment=OUR_LIMITS, ready="ready "
    )
    return Running(port_in(line), [server, api])


def start_direct(stage: Stage) -> Running:
    return start_ours(stage, "direct")


def start_durable(stage: Stage) -> Running:
    return start_ours(stage, "durable")


def start_web(stage: Stage) -> Running:
    ours = start_ours(stage, "direct")
    environment = {**OUR_LIMITS, "P2P_WEB_ORIGINS": "http://bench", "P2P_STATIC": str(TOP / "static")}
    adapter, line = stage.start(
        str(BIN / "p2p-ws-adapter"), "--port", "0", "--server-port", str(ours.port), environment=environment, ready="ready "
    )
    return Running(port_in(line), [adapter, *ours.processes])


def start_relay(stage: Stage) -> Running:
    process, line = stage.start(str(BIN / "p2p-bench-relay"), ready="ready ")
    return Running(port_in(line), [process])


def start_ws_echo(stage: Stage) -> Running:
    process, line = stage.start(str(BIN / "p2p-bench-ws-echo"), ready="ready ")
    return Running(port_in(line), [process])


def start_listening(stage: Stage, port: int, *command: str) -> Running:
    process, _ = stage.start(*command)
    wait_for_port(port, process)
    return Running(port, [process])


def start_ngircd(stage: Stage) -> Running:
    port = free_port()
    user = "root" if os.geteuid() == 0 else ""
    own = f"ServerUID = {user}\nServerGID = {user}\n" if user else ""
    (stage.folder / "ngircd.conf").write_text(
        f"[Global]\nName = bench.test\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = hi\n{own}"
        "[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxPenaltyTime = 0\nPingTimeout = 600\n"
        "[Options]\nDNS = no\nIdent = no\nPAM = no\n"
    )
    return start_listening(stage, port, "/usr/sbin/ngircd", "--nodaemon", "--config", "ngircd.conf")


def start_mosquitto(stage: Stage) -> Running:
    port = free_port()
    (stage.folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_connections -1\nmax_queued_messages 0\n"
        "max_inflight_messages 0\npersistence false\nlog_type error\n"
    )
    return start_listening(stage, port, "/usr/sbin/mosquitto", "-c", "mosquitto.conf")


def start_nats(stage: Stage) -> Running:
    port = free_port()
    (stage.folder / "nats.conf").write_text(f'listen: "127.0.0.1:{port}"\nmax_connections: 100000\nwrite_deadline: "30s"\n')
    return start_listening(stage, port, "/usr/sbin/nats-server", "-c", "nats.conf")


SYSTEMS = {
    "direct": start_direct,
    "durable": start_durable,
    "web": start_web,
    "relay": start_relay,
    "ws-echo": start_ws_echo,
    "nats-server": start_nats,
    "ngircd": start_ngircd,
    "mosquitto": start_mosquitto,
}


@contextlib.contextmanager
def running(system: str) -> Iterator[Running]:
    folder = Path(tempfile.mkdtemp(prefix="p2p-bench-", dir=TOP / "build/bench"))
    stage = Stage(folder)
    try:
        yield SYSTEMS[system](stage)
    finally:
        stage.stop()
        shutil.rmtree(folder, ignore_errors=True)
