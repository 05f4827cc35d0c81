"""What is measured, and the figures that it is held to."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from systems import BIN, LOAD_CORE, SERVER_CORE, TOP, BenchError, Running, Stage, port_in, running

RUN_SECONDS = 300
# After so long sessions are idle: all have been told who else came, and what the crowd's coming took is given back.
REST_SECONDS = 12


def load_command(protocol: str, work: str, port: int, options: dict[str, int]) -> list[str]:
    return ["taskset", "-c", LOAD_CORE, str(BIN / "p2p-load"), protocol, work, str(port), *(f"{name}={value}" for name, value in options.items())]


def load(protocol: str, work: str, port: int, **options: int) -> dict[str, float]:
    done = subprocess.run(load_command(protocol, work, port, options), capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    if done.returncode != 0:
        raise BenchError(f"{protocol} {work}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def memory_bytes(pid: int) -> int:
    """What the process alone holds: its proportional set size."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise BenchError("no Pss")


@dataclass(frozen=True)
class Case:
    """One measurement. `run` answers its figures: rate (a second), p99_us, bytes, or seconds."""

    name: str
    kind: str
    run: Callable[[], dict[str, float]]


def loaded(name: str, kind: str, system: str, protocol: str, work: str, **options: int) -> Case:
    def run() -> dict[str, float]:
        with running(system) as server:
            return load(protocol, work, server.port, **options)

    return Case(name, kind, run)


def bare_sqlite(rows: int) -> Case:
    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=TOP / "build/bench") as folder:
            done = subprocess.run(
                ["taskset", "-c", SERVER_CORE, str(BIN / "p2p-bench-sqlite"), folder, str(rows), "1"],
                capture_output=True, text=True, timeout=RUN_SECONDS, check=True,
            )  # fmt: skip
            return json.loads(done.stdout)

    return Case(f"bare SQLite, {rows} a transaction", "durable", run)


def idle(name: str, protocol: str, sessions: int) -> Case:
    def run() -> dict[str, float]:
        with running("direct") as server:
            return {"bytes": _idle_bytes(server, protocol, sessions)}

    return Case(name, "idle", run)


def _idle_bytes(server: Running, protocol: str, sessions: int) -> float:
    pid = server.processes[0].pid
    before = memory_bytes(pid)
    command = load_command(protocol, "idle", server.port, {"pairs": sessions // 2})
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as generator:
        if not generator.stdout.readline():
            raise BenchError("idle: the sessions were not all accepted")
        time.sleep(REST_SECONDS)
        after = memory_bytes(pid)
        generator.stdin.close()
        generator.wait(30)
    return (after - before) / sessions


def start_up() -> Case:
    """The whole suite: from the launcher's start to its ready line."""

    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=TOP / "build/bench") as folder:
            stage = Stage(Path(folder))
            environment = {"P2P_API_PORT": "0", "P2P_SERVER_PORT": "0", "P2P_WEB_PORT": "0", "P2P_STATIC": str(TOP / "static")}
            started = time.monotonic()
            process = subprocess.Popen(
                [str(BIN / "p2p-launcher"), "--no-openai"], cwd=folder, env={**os.environ, **environment},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stage.processes.append(process)
            try:
                port_in(Stage._line(process, "ready "))
                return {"seconds": time.monotonic() - started}
            finally:
                stage.stop()

    return Case("launcher's start to ready", "start", run)


PAIRS = 50
FLOOD = {"pairs": PAIRS, "messages": 20000}
PINGPONG = {"pairs": PAIRS, "messages": 4000}
SESSIONS = 9000
# Growth: as many messages in flight a pair whatever the crowd, so that each read and write carries as much. It is the
# most that 4,500 pairs may have in flight without going to the store.
GROWTH = {"window": 64}
ALL_GROWTH = 4_000_000


def growth(title: str, system: str, protocol: str, sessions: int) -> Case:
    pairs = sessions // 2
    return loaded(f"growth: {title} at {sessions} sessions", "growth", system, protocol, "flood", pairs=pairs, messages=ALL_GROWTH // pairs, **GROWTH)


CASES = [
    loaded("flood: bare relay", "flood", "relay", "relay", "flood", **FLOOD),
    loaded("flood: text", "flood", "direct", "text", "flood", **FLOOD),
    loaded("flood: JSON", "flood", "direct", "json", "flood", **FLOOD),
    loaded("flood: nats-server", "flood", "nats-server", "nats", "flood", **FLOOD),
    loaded("flood: ngircd", "flood", "ngircd", "irc", "flood", **FLOOD),
    loaded("flood: mosquitto", "flood", "mosquitto", "mqtt", "flood", **FLOOD),
    loaded("ping-pong: bare relay", "pingpong", "relay", "relay", "pingpong", **PINGPONG),
    loaded("ping-pong: text", "pingpong", "direct", "text", "pingpong", **PINGPONG),
    loaded("ping-pong: JSON", "pingpong", "direct", "json", "pingpong", **PINGPONG),
    loaded("ping-pong: JSON, durable", "pingpong", "durable", "json", "pingpong", **PINGPONG),
    loaded("ping-pong: nats-server", "pingpong", "nats-server", "nats", "pingpong", **PINGPONG),
    loaded("ping-pong: ngircd", "pingpong", "ngircd", "irc", "pingpong", **PINGPONG),
    loaded("ping-pong: mosquitto", "pingpong", "mosquitto", "mqtt", "pingpong", **PINGPONG),
    *(bare_sqlite(rows) for rows in (1, 16, 256, 1024)),
    loaded("durable flood: JSON with receipts", "durable", "durable", "json", "flood", pairs=PAIRS, messages=4000, window=2048),
    loaded("offline: one at a time", "durable", "durable", "json", "offline", pairs=1, messages=4000, window=1),
    loaded("offline: pipelined", "durable", "durable", "json", "offline", pairs=10, messages=10000, window=1024),
    loaded("login: with the mailbox looked up", "login", "direct", "json", "login", pairs=SESSIONS // 2),
    loaded("login: text, with the mailbox looked up", "login", "direct", "text", "login", pairs=SESSIONS // 2),
    loaded("login: mosquitto, bare", "login", "mosquitto", "mqtt-login", "login", pairs=SESSIONS // 2),
    idle("idle: text session", "text", SESSIONS),
    idle("idle: JSON session", "json", SESSIONS),
    loaded("browser: flood through the adapter", "browser", "web", "ws", "flood", pairs=PAIRS, messages=2000),
    loaded("browser: bare WebSocket echo", "browser", "ws-echo", "ws-echo", "flood", pairs=PAIRS, messages=4000),
    *(growth("bare relay", "relay", "relay", sessions) for sessions in (10, SESSIONS)),
    *(growth("text flood", "direct", "text", sessions) for sessions in (10, 100, 1000, SESSIONS)),
    start_up(),
]


@dataclass(frozen=True)
class Figure:
    """`case`'s value over `beside`'s (1 when None) is to be at least, or at most, `bound`."""

    text: str
    case: str
    beside: str | None
    value: str
    at_least: bool
    bound: float


def _at_least(text: str, case: str, beside: str, bound: float) -> Figure:
    return Figure(text, case, beside, "rate", True, bound)


def _at_most(text: str, case: str, beside: str | None, value: str, bound: float) -> Figure:
    return Figure(text, case, beside, value, False, bound)


FIGURES = [
    _at_least("flood, text, over the bare relay", "flood: text", "flood: bare relay", 0.5),
    _at_least("flood, text, over nats-server", "flood: text", "flood: nats-server", 1.0),
    _at_least("flood, text, over ngircd", "flood: text", "flood: ngircd", 5),
    _at_least("flood, text, over mosquitto", "flood: text", "flood: mosquitto", 20),
    _at_least("flood, JSON, over the bare relay", "flood: JSON", "flood: bare relay", 0.3),
    _at_least("ping-pong, text, over the bare relay", "ping-pong: text", "ping-pong: bare relay", 0.85),
    _at_most("ping-pong, text, p99 over the bare relay's", "ping-pong: text", "ping-pong: bare relay", "p99_us", 1.3),
    _at_least("durable flood over bare SQLite at 1,024", "durable flood: JSON with receipts", "bare SQLite, 1024 a transaction", 0.5),
    _at_most("durable ping-pong, p50 over direct mode's", "ping-pong: JSON, durable", "ping-pong: JSON", "p50_us", 1.3),
    _at_least("offline, one at a time, over bare SQLite at 1", "offline: one at a time", "bare SQLite, 1 a transaction", 0.6),
    _at_least("login storm over mosquitto's", "login: with the mailbox looked up", "login: mosquitto, bare", 1.0),
    _at_least("login storm of text sessions over mosquitto's", "login: text, with the mailbox looked up", "login: mosquitto, bare", 1.0),
    _at_most("idle text session, bytes", "idle: text session", None, "bytes", 1024),
    _at_most("idle JSON session, bytes", "idle: JSON session", None, "bytes", 1024),
    _at_least("browser flood over a bare echo", "browser: flood through the adapter", "browser: bare WebSocket echo", 0.4),
    _at_least("flood at 9,000 sessions over 10", "growth: text flood at 9000 sessions", "growth: text flood at 10 sessions", 0.8),
    _at_most("launcher's start to ready, seconds", "launcher's start to ready", None, "seconds", 1.0),
]
