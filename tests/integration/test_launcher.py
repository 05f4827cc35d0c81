"""The launcher with the real programs, and with stand-ins where a program must misbehave."""

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import pytest
import requests

from harness.ports import reserve_port
from harness.process import DEADLINE, Program, process_is_gone, wait_until
from harness.text_client import TextClient

PROGRAMS = {
    "message API": "p2p-message-api",
    "chat server": "p2p-server",
    "web page": "p2p-ws-adapter",
    "thermometer": "p2p-thermometer",
    "OpenAI bot": "p2p-openai-bot",
}
FREE_PORTS = ("--api-port", 0, "--server-port", 0, "--web-port", 0)
STOP_LIMIT = 5.0

# A stand-in: notes how it was called, gets ready, and ends at SIGTERM; `more` can make it misbehave.
STAND_IN = """#!{python} -SE
import os, signal, sys, time
name = os.path.basename(__file__)
folder = os.path.dirname(__file__)
def note(text):
    with open(folder + "/notes", "a") as file:
        file.write(name + " " + text + "\\n")
def stop(*_):
    note("stopped")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
note("called " + " ".join(sys.argv[1:]))
for secret in ("OPENAI_API_KEY", "MONGO_URL", "P2P_SERVICE_TOKEN"):
    if secret in os.environ:
        note("has " + secret)
{more}
print("ready host=127.0.0.1 port={port}", flush=True)
while True:
    time.sleep(60)
"""


class Suite:
    """A folder with programs, and the launcher in it."""

    def __init__(self, programs, binaries: Path, folder: Path):
        self.programs = programs
        self.binaries = binaries
        self.bin = folder / "bin"
        self.folder = folder
        self.bin.mkdir()
        # A copy: the launcher looks for the others beside its own file.
        shutil.copy(binaries / "p2p-launcher", self.bin)

    def use_real(self, *names: str) -> "Suite":
        for name in names:
            if (self.binaries / name).exists():
                (self.bin / name).symlink_to(self.binaries / name)
        return self

    def use_stand_in(self, *names: str, more: str = "") -> "Suite":
        for port, name in enumerate(names, 7001):
            (self.bin / name).write_text(STAND_IN.format(python=sys.executable, more=more, port=port))
            (self.bin / name).chmod(0o755)
        return self

    def start(self, *arguments, **environment) -> Program:
        path = str(self.bin / "p2p-launcher")
        return self.programs.start(path, *arguments, environment=environment, cwd=self.folder)

    @property
    def notes(self) -> list[str]:
        path = self.bin / "notes"
        return path.read_text().splitlines() if path.exists() else []

    def log(self, name: str) -> str:
        path = self.folder / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def events(self, event: str) -> list[str]:
        """Which programs the launcher says that this happened to."""
        return re.findall(rf' {event} component="([^"]+)"', self.log("launcher"))

    def pids(self) -> dict[str, int]:
        found = re.findall(r' started component="([^"]+)" pid=(\d+)', self.log("launcher"))
        return {name: int(pid) for name, pid in found}


@pytest.fixture
def suite(programs, binaries, tmp_path) -> Suite:
    return Suite(programs, binaries, tmp_path)


@pytest.fixture
def real(suite) -> Suite:
    return suite.use_real(*PROGRAMS.values())


@pytest.fixture
def fake(suite) -> Suite:
    return suite.use_stand_in(*PROGRAMS.values())


def test_the_real_suite(real):
    """Starts on free ports, says where everything is, serves, and stops within its time, last started first."""
    launcher = real.start(*FREE_PORTS)
    launcher.wait_ready()
    built = [name for name in PROGRAMS.values() if (real.bin / name).exists()]
    assert re.search(
        rf"^message API: running, http://127\.0\.0\.1:{launcher.fields['api_port']}, messages in data/messages\.db$",
        launcher.stdout,
        re.MULTILINE,
    )
    assert f"chat server: running, 127.0.0.1:{launcher.port}\n" in launcher.stdout
    if "p2p-ws-adapter" in built:
        page = f"http://localhost:{launcher.fields['web_port']}"
        assert f"web page: running, {page}\n" in launcher.stdout
        assert f"Open {page} in a browser" in launcher.stdout
    else:
        assert "web page: off, not built\n" in launcher.stdout
    if "p2p-thermometer" in built:
        assert "thermometer: running, as thermometer1\n" in launcher.stdout
    if "p2p-openai-bot" in built:
        assert "OpenAI bot: off, no OPENAI_API_KEY: write OPENAI_API_KEY=… to .env\n" in launcher.stdout
    assert f"nc 127.0.0.1 {launcher.port}" in launcher.stdout  # the client is not in this folder

    assert requests.get(f"http://127.0.0.1:{launcher.fields['api_port']}/health", timeout=DEADLINE).ok
    alice = TextClient(launcher.port).login("alice")
    alice.line("bob: kept")
    alice.expect("User 'bob' is offline. Message saved.")
    alice.close()

    logs = real.folder / "logs"
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700
    for path in logs.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert "ready host=127.0.0.1" in real.log("message_api")
    assert f"port={launcher.port}" in real.log("server")

    pids = real.pids()
    assert set(pids) == set(built) - {"p2p-openai-bot"}
    launcher.stop()
    assert all(process_is_gone(pid) for pid in pids.values())
    ended = real.events("ended")
    assert ended[-2:] == ["p2p-server", "p2p-message-api"] and sorted(ended) == sorted(pids)
    assert "status=0" in real.log("launcher") and "signal=9" not in real.log("launcher")


def test_what_dies_comes_back_where_it_was(real):
    launcher = real.start(*FREE_PORTS).wait_ready()
    before = real.pids()
    for name in ("p2p-message-api", "p2p-server"):
        os.kill(before[name], signal.SIGKILL)
        wait_until(lambda: real.events("ready").count(name) == 2, f"{name} is ready again")
    for name in ("message API", "chat server"):
        assert f"{name}: restarts, in 0.1 s; ended by signal 9 (Killed)" in launcher.stdout
    running = f"chat server: running, 127.0.0.1:{launcher.port}\n"
    wait_until(lambda: running in launcher.stdout.split("chat server: restarts")[-1], "the table says so")
    alice = TextClient(launcher.port).login("alice")
    alice.line("bob: kept")
    alice.expect("User 'bob' is offline. Message saved.")
    alice.close()


def test_nothing_outlives_a_killed_launcher(real):
    ports = ("--api-port", reserve_port(), "--server-port", reserve_port(), "--web-port", reserve_port())
    launcher = real.start(*ports).wait_ready()
    pids = real.pids()
    launcher.signal(signal.SIGKILL)
    killed = time.monotonic()
    launcher.wait_exit(-signal.SIGKILL)
    wait_until(lambda: all(process_is_gone(pid) for pid in pids.values()), "the programs end with the launcher")
    assert time.monotonic() - killed < STOP_LIMIT
    # They ended by themselves, and the next one finds everything free.
    real.start(*ports).wait_ready()


def test_mongodb_answers_or_not(real, mongo):
    launcher = real.start(*FREE_PORTS, "--no-web", "--no-thermometer", MONGO_URL=mongo.url)
    launcher.wait_output(r"^message API: running, .*, messages in MongoDB, which answers$")
    mongo.kill()
    launcher.wait_output(r"^message API: running, .*, MongoDB does not answer: nothing can be stored$")
    assert mongo.url not in launcher.stdout


def test_each_starts_after_what_it_needs_and_gets_only_its_secrets(suite):
    gate = suite.folder / "gate"
    suite.use_stand_in(*PROGRAMS.values())
    suite.use_stand_in("p2p-message-api", more=f"while not os.path.exists({str(gate)!r}): time.sleep(0.02)")
    secrets = {"OPENAI_API_KEY": "k-secret", "MONGO_URL": "mongodb://m-secret", "P2P_SERVICE_TOKEN": "t-secret"}
    launcher = suite.start(*FREE_PORTS, **secrets)
    launcher.wait_output(r"^chat server: waiting, for the message API$")
    wait_until(lambda: suite.notes, "the message API is called")
    assert {line.split()[0] for line in suite.notes} == {"p2p-message-api"}
    gate.touch()
    launcher.wait_ready()

    calls = dict(line.split(" called ") for line in suite.notes if " called " in line)
    assert calls == {
        "p2p-message-api": "--host 127.0.0.1 --port 0",
        "p2p-server": "--host 127.0.0.1 --port 0 --api-base http://127.0.0.1:7001",
        "p2p-ws-adapter": "--host 127.0.0.1 --port 0 --server-host 127.0.0.1 --server-port 7002",
        "p2p-thermometer": "--server-host 127.0.0.1 --server-port 7002",
        "p2p-openai-bot": "--server-host 127.0.0.1 --server-port 7002",
    }
    owners = {}
    for name, secret in (line.split(" has ") for line in suite.notes if " has " in line):
        owners.setdefault(secret, set()).add(name)
    assert owners == {
        "OPENAI_API_KEY": {"p2p-openai-bot"},
        "MONGO_URL": {"p2p-message-api"},
        "P2P_SERVICE_TOKEN": {"p2p-message-api", "p2p-server", "p2p-thermometer", "p2p-openai-bot"},
    }
    with contextlib.suppress(PermissionError):  # none but root may look at all
        assert b"secret" not in Path(f"/proc/{launcher.pid}/environ").read_bytes()
    launcher.stop()
    assert [line.split()[0] for line in suite.notes if line.endswith(" stopped")][-2:] == ["p2p-server", "p2p-message-api"]
    assert "secret" not in launcher.stdout + launcher.stderr + suite.log("launcher")


def test_switched_off(fake):
    launcher = fake.start(*FREE_PORTS, "--no-web", "--no-thermometer", "--no-openai", OPENAI_API_KEY="k")
    launcher.wait_ready()
    for name, flag in (("web page", "web"), ("thermometer", "thermometer"), ("OpenAI bot", "openai")):
        assert f"{name}: off, disabled by --no-{flag}\n" in launcher.stdout
    assert set(fake.pids()) == {"p2p-message-api", "p2p-server"}
    # Two launchers would write to the same logs and the same messages.
    second = fake.start(*FREE_PORTS)
    second.wait_exit(1)
    assert "another launcher already runs in this folder" in second.stderr


def test_a_program_broken_at_start_is_given_up(fake):
    fake.use_stand_in("p2p-thermometer", more="sys.exit('its sensor\\x1b[2J is broken')")
    fake.use_stand_in("p2p-ws-adapter", more="print('--port: not a number', file=sys.stderr); sys.exit(2)")
    launcher = fake.start(*FREE_PORTS).wait_ready()
    assert re.search(
        r"^thermometer: failed, gave up after 5 ends in 60 s, see logs/thermometer\.log; "
        r"ended with status 1: its sensor\\x1b\[2J is broken$",
        launcher.stdout,
        re.MULTILINE | re.IGNORECASE,
    )
    assert fake.events("started").count("p2p-thermometer") == 5
    # Wrong settings don't get better.
    assert "web page: failed, --port: not a number\n" in launcher.stdout
    assert fake.events("started").count("p2p-ws-adapter") == 1
    assert "\x1b" not in launcher.stdout
    assert fake.log("thermometer").count("is broken") == 5


def test_no_suite_without_its_server(fake):
    fake.use_stand_in("p2p-server", more="sys.exit('broken')")
    launcher = fake.start(*FREE_PORTS)
    launcher.wait_exit(1)
    assert "The chat server cannot start: gave up after 5 ends" in launcher.stderr
    assert "p2p-message-api stopped" in fake.notes
    (fake.bin / "p2p-server").unlink()
    launcher = fake.start(*FREE_PORTS)
    launcher.wait_exit(1)
    assert "the chat server is not built" in launcher.stderr


def test_what_does_not_stop_is_killed_in_time(fake):
    fake.use_stand_in("p2p-thermometer", "p2p-server", more="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    launcher = fake.start(*FREE_PORTS).wait_ready()
    pids = fake.pids()
    launcher.stop()  # exit status 0: past 4.5 s it would be 1
    assert all(process_is_gone(pid) for pid in pids.values())
    assert [line for line in fake.notes if line.endswith("stopped")] == ["p2p-ws-adapter stopped", "p2p-message-api stopped"]


def test_a_flood_of_output_goes_to_files_of_ten_mib(fake):
    flood = "for i in range(11 * 1024): sys.stderr.write('x' * 1023 + '\\n')"
    fake.use_stand_in("p2p-thermometer", more=flood)
    fake.start(*FREE_PORTS).wait_ready()
    old = fake.folder / "logs" / "thermometer.log.1"
    assert 10 * 1024 * 1024 <= old.stat().st_size < 10 * 1024 * 1024 + 256 * 1024
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    new = old.with_name("thermometer.log").read_bytes()
    assert old.stat().st_size + len(new.split(b"ready")[0]) == 11 * 1024 * 1024


def test_a_port_in_use_is_named(fake):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for flag, name in (("--api-port", "message API"), ("--server-port", "chat server"), ("--web-port", "web page")):
            launcher = fake.start(*FREE_PORTS, flag, port)
            launcher.wait_exit(1)
            assert launcher.stderr == f"p2p-launcher: port {port} of the {name} is in use by another program\n"
        # Only what is to run needs its port.
        fake.start(*FREE_PORTS, "--web-port", port, "--no-web").wait_ready()


@pytest.mark.parametrize(
    "arguments, environment, sentence",
    [
        (("--host", "0.0.0.0"), {}, "the chat server would be open to others at 0.0.0.0: set P2P_SERVICE_TOKEN"),
        (("--host", "0.0.0.0"), {"P2P_SERVICE_TOKEN": "t"}, "the web page would be open to others at 0.0.0.0: set P2P_WEB_ORIGINS"),
        ((), {"P2P_API_HOST": "::"}, "the message API would be open to others at ::: set P2P_SERVICE_TOKEN"),
        (("--api-port", "5000"), {}, "the message API and the chat server cannot both have port 5000"),
        (("--server-port", "five"), {}, "server-port"),
    ],
)
def test_settings_that_cannot_work(fake, arguments, environment, sentence):
    launcher = fake.start(*arguments, **environment)
    launcher.wait_exit(2)
    assert sentence in launcher.stderr
    assert not fake.notes


class Terminal:
    """The launcher on a terminal of its own, as a person sees it."""

    def __init__(self, suite: Suite, *arguments):
        path = suite.bin / "p2p-launcher"
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(suite.folder)
            environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
            environment.pop("NO_COLOR", None)
            os.execve(path, [str(path), *map(str, arguments)], environment)
        self.seen = b""

    def read(self):
        """Takes what there is, within a moment."""
        if select.select([self.master], [], [], 0.05)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:  # the last process on the terminal is gone
                pass

    def wait_for(self, pattern: bytes):
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, self.seen
            self.read()

    def wait_exit(self) -> int:
        end = time.monotonic() + DEADLINE
        while True:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, self.seen

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)


def test_on_a_terminal(fake):
    """The table is drawn in place; a stopped terminal stops nothing else; Ctrl-Z does nothing; Ctrl-C stops in reverse
    order though it reaches the whole foreground group."""
    terminal = Terminal(fake, *FREE_PORTS)
    try:
        terminal.wait_for(rb"Ctrl-C stops everything\.")
        terminal.wait_for(rb"\x1b\[32mrunning")
        wait_until(lambda: len(fake.events("ready")) == 4, "all are ready")
        terminal.wait_for(rb"\x1b\[\d+A\r")
        assert b"ready host" not in terminal.seen

        os.write(terminal.master, b"\x13")  # Ctrl-S
        for deaths in (1, 2, 3):
            os.kill(fake.pids()["p2p-thermometer"], signal.SIGKILL)
            wait_until(lambda: fake.events("ready").count("p2p-thermometer") == deaths + 1, "it is back")
        terminal.seen = b""
        os.write(terminal.master, b"\x11")  # Ctrl-Q
        terminal.wait_for(rb"Ctrl-C stops everything\.")

        os.write(terminal.master, b"\x1a\x03")
        assert terminal.wait_exit() == 0
        assert b"stopped" in terminal.seen
        stopped = [line.split()[0] for line in fake.notes if line.endswith(" stopped")]
        assert len(stopped) == 4 and stopped[2:] == ["p2p-server", "p2p-message-api"]
    finally:
        terminal.close()
