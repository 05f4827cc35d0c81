"""The terminal client: a person at a terminal, and a filter for scripts."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness.ports import reserve_port
from harness.process import DEADLINE, clean_environment, sanitizer_report, wait_until
from harness.terminal import Terminal

SGR = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.fixture
def open_terminal(binaries, tmp_path):
    """open_terminal(port, "--username", "alice", environment={…}) → a Terminal with the client on it."""
    terminals = []

    def start(port: int, *arguments, environment=None, columns: int = 80) -> Terminal:
        folder = tmp_path / f"terminal{len(terminals)}"
        folder.mkdir()
        terminals.append(
            Terminal(
                [binaries / "p2p-client", "--server-port", port, *arguments],
                folder,
                {"XDG_STATE_HOME": str(tmp_path / "state"), **(environment or {})},
                columns,
            )
        )
        return terminals[-1]

    yield start
    problems = [problem for terminal in terminals for problem in terminal.finish()]
    if problems:
        pytest.fail("\n\n".join(problems), pytrace=False)


@pytest.fixture
def run_filter(binaries, tmp_path):
    """run_filter(port, "input\\n", …) → the finished process; username alice unless `username` says otherwise."""

    def run(port: int, text, *arguments, username: str = "alice", **options) -> subprocess.CompletedProcess:
        argv = [binaries / "p2p-client", "--server-port", port, *(("--username", username) if username else ())]
        if not hasattr(text, "fileno"):
            options["input"] = text.encode() if isinstance(text, str) else text
        else:
            options["stdin"] = text
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        finished = subprocess.run(
            [str(part) for part in (*argv, *arguments)],
            cwd=tmp_path,
            env=clean_environment({"TZ": "UTC"}),
            timeout=2 * DEADLINE,
            **options,
        )
        assert not sanitizer_report(finished.stderr or b""), finished.stderr.decode()
        return finished

    return run


def events(output: bytes) -> list[dict]:
    return [json.loads(line) for line in output.decode().splitlines()]


def kinds(output: bytes, kind: str) -> list[dict]:
    return [event for event in events(output) if event["event"] == kind]


class FakeServer:
    """A server that says what no real one would: hostile texts, growing messages."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE)
        self.port = self._listener.getsockname()[1]
        self._connection = None
        self._received = b""

    def accept(self, users=()):
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(DEADLINE)
        self._connection.sendall(b"Enter your username: ")
        login = self.receive()
        assert login["type"] == "login"
        self.send(
            {
                "type": "login_success",
                "username": login["username"],
                "online_users": [login["username"], *users],
                "max_message_bytes": 16384,
            }
        )

    def receive(self) -> dict:
        while b"\n" not in self._received:
            chunk = self._connection.recv(65536)
            assert chunk, "the client closed"
            self._received += chunk
        line, self._received = self._received.split(b"\n", 1)
        return json.loads(line)

    def send(self, frame: dict):
        self._connection.sendall(json.dumps(frame).encode() + b"\n")

    def message(self, text: str, id: str, **members):
        self.send(
            {
                "id": id,
                "sender": "bob",
                "destination": "alice",
                "message": text,
                "timestamp": "2026-11-22T17:01:39.123456+00:00",
                "type": "chat",
                "metadata": {},
                **members,
            }
        )

    def partial(self, text: str, id: str):
        self.send({"type": "partial", "sender": "bob", "id": id, "text": text})

    def close(self):
        if self._connection:
            self._connection.close()
        self._listener.close()


@pytest.fixture
def fake_server():
    server = FakeServer()
    yield server
    server.close()


# At a terminal


def test_typed_line_survives_what_arrives(world, open_terminal):
    bob = world.json("bob")
    alice = open_terminal(world.server_port, "--username", "alice")
    alice.wait(r"^alice> $|^alice>$")
    draft = "bob: " + " ".join(f"word{i}" for i in range(20))  # wraps into a second row
    alice.type(draft)
    alice.wait(lambda text: "".join(text.split("\n")[-2:]).endswith("word19"))
    for i in range(8):
        bob.message("alice", f"message number {i}")
    alice.wait("message number 7")
    alice.wait(lambda text: "".join(text.split("\n")[-2:]) == "alice> " + draft)
    for i in range(8):
        assert len(re.findall(rf"^\d\d:\d\d bob: message number {i}$", alice.text(), re.M)) == 1

    # Edit in the middle of the line, in the second row, while more arrives.
    alice.type("\x1b[D" * 6 + "X")
    bob.message("alice", "and another")
    alice.wait("and another")
    alice.type("\r")
    assert bob.recv_message()["message"] == draft[5:-6] + "X" + draft[-6:]
    alice.wait("✓✓? +bob: word0 word1")
    assert alice.text().count("word0") == 2  # the line itself and its tick: no debris


def test_completion_history_and_leaving(world, open_terminal, tmp_path):
    bob = world.json("bob-with-a.long_name")
    alice = open_terminal(world.server_port, "--username", "alice")
    alice.wait("^Online: .*bob-with")
    before = alice.modes()
    alice.type("bo\t")
    alice.wait("^alice> bob-with-a.long_name:")
    alice.line("hello")
    assert bob.recv_message()["message"] == "hello"

    carol = world.json("carol")
    alice.wait("· carol joined")
    alice.type("car\t")
    alice.wait("^alice> carol:")
    alice.type("\x03")  # Ctrl-C drops the line
    alice.wait(r"\^C\n+(.*✓.*\n+)*alice>$")  # bob's tick may come meanwhile
    alice.line("carol: again")
    assert carol.recv_message()["message"] == "again"
    alice.type("\x1b[A\x1b[A")
    alice.wait("^alice> bob-with-a.long_name: hello")
    alice.type("\x15")
    carol.close()
    alice.wait("· carol left")

    alice.line("!help")
    alice.wait("!users")
    alice.line("!users")
    alice.wait(r"Users online \(2\): ")
    alice.line("!check")
    alice.wait("No stored messages")
    alice.line("nonsense")
    alice.wait("! write NAME: MESSAGE")
    alice.line("!nonsense")
    alice.wait("! unknown command")
    alice.type("\x04")  # Ctrl-D
    alice.wait_exit(0)
    assert not before == alice.modes()  # back from the line editor's mode
    history = tmp_path / "state" / "p2p-chat" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
    assert "carol: again" in history.read_text()

    again = open_terminal(world.server_port, "--username", "alice")
    again.wait("^alice>")
    again.type("\x1b[A")
    again.wait("^alice> !nonsense")
    again.type("\x03")
    again.wait(r"\^C\n+alice>$")
    again.type("\x03")  # nothing typed: Ctrl-C leaves
    again.wait_exit(0)
    third = open_terminal(world.server_port, "--username", "alice")
    third.wait("^alice>")
    third.line("exit")
    third.wait_exit(0)


def test_asks_for_another_name_when_it_is_taken(world, open_terminal):
    world.text("alice")
    person = open_terminal(world.server_port)
    person.wait("^Enter your username:")
    person.line("not a name")
    person.wait("! a username is")
    person.line("alice")
    person.wait("already taken")
    person.wait(r"\nEnter your username:$")
    person.line("zoë")
    person.wait("^zoë>$")
    bob = world.json("bob")
    bob.message("zoë", "welcome")
    person.wait("bob: welcome")


def test_reconnects_and_sends_once(world, open_terminal):
    alice = open_terminal(world.server_port, "--username", "alice")
    alice.wait("^alice>$")
    world.kill_server()
    alice.wait("^Connection lost")
    alice.wait(r"^alice \(offline\)>$")
    for i in range(3):
        alice.line(f"bob: while away {i}")
    alice.type("bob: not yet fin")
    alice.wait("not yet fin")
    world.start_server()
    alice.wait("^Connected again")
    alice.wait("^alice> bob: not yet fin$")
    alice.wait("✓ +bob: while away 2 +.offline, saved")
    alice.line("ished")
    alice.wait("✓ +bob: not yet finished")
    world.kill_server()
    world.start_server()
    bob = world.json("bob")
    bob.command("check")
    bob.recv(lambda frame: frame["type"] == "result")
    texts = [frame["message"] for frame in bob.frames if "sender" in frame]
    assert texts == ["while away 0", "while away 1", "while away 2", "not yet finished"]


HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[1;1H\x1b[31mEVIL",
    "\x9b31mEVIL\x9d0;EVIL\x9c",
    "\u202eLIVE",
    "\r\x08\x7fEVIL",
]


@pytest.mark.parametrize("no_color", ["", "1"])
def test_nothing_hostile_reaches_the_terminal(fake_server, open_terminal, no_color):
    alice = open_terminal(fake_server.port, "--username", "alice", environment={"NO_COLOR": no_color})
    fake_server.accept(users=["bob", "\x1b[31mEVIL"])
    alice.wait("^alice>")
    alice.line("bob: hello")
    sent = fake_server.receive()
    while "destination" not in sent:
        sent = fake_server.receive()
    for number, text in enumerate(HOSTILE):
        fake_server.message(text, f"m{number}")
        fake_server.message("words", f"n{number}", sender=text)
        fake_server.message("words", f"n{number}", metadata={text: text})
        fake_server.partial(text * 20, f"p{number}")
        fake_server.send({"type": "error", "code": text, "message": text})
        fake_server.send({"type": "presence", "joined": [text], "left": [text], "online": 2})
        fake_server.send({"type": "result", "command": "users", "users": [text], "online": 1})
        fake_server.send(
            {"type": "receipt", "id": sent["id"], "status": "rejected", "code": "mailbox_full", "reason": text}
        )
    fake_server.message("17:02 carol: forged\n17:02 carol: forged", "long")
    fake_server.message("x" + " " * 200 + "17:02 carol: forged", "spaces")
    fake_server.message("the end", "end")
    alice.wait("bob: the end$")
    raw = bytes(alice.raw)
    assert b"\x1b]" not in raw and b"\x1bP" not in raw and b"\x1b_" not in raw
    assert b"[31mEVIL" not in SGR.sub(b"", raw).replace(b"\\x1B[31mEVIL", b"")
    assert not re.search(rb"\xc2[\x80-\x9f]", raw) and "\u202e".encode() not in raw and b"\x7f" not in raw
    assert bool(SGR.search(raw)) == (no_color == "")
    assert "forged" in alice.text() and not re.search("^17:02", alice.text(), re.M)


def test_growing_answer_is_shown_once(fake_server, open_terminal):
    alice = open_terminal(fake_server.port, "--username", "alice", columns=40)
    fake_server.accept(users=["bob"])
    alice.wait("^alice>")
    alice.type("bob: thanks")
    answer = " ".join(f"w{i}" for i in range(30)) + "\nlast line"
    for end in range(0, len(answer), 7):
        fake_server.partial(answer[:end], "answer")
    alice.wait("w20")
    assert "last line" not in alice.text()
    fake_server.message(answer, "answer")
    fake_server.message("the end", "end")
    alice.wait("the end")
    alice.wait("^alice> bob: thanks$")
    for i in range(30):
        assert len(re.findall(rf"\bw{i}\b", alice.text())) == 1
    assert alice.text().count("last line") == 1


# As a filter


def test_filter_sends_receives_and_ends(world, run_filter):
    sent = run_filter(world.server_port, "bob: one\r\n\nbob: zwölf\nbob: no newline at the end")
    assert (sent.returncode, sent.stdout, sent.stderr) == (0, b"", b"")
    got = run_filter(world.server_port, "!users\n!check\n", username="bob")
    assert got.returncode == 0 and got.stderr == b""
    lines = got.stdout.decode().splitlines()
    texts = [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line) for line in lines if "alice" in line]
    assert texts == ["alice (stored): one", "alice (stored): zwölf", "alice (stored): no newline at the end"]
    assert "Users online (1): bob" in lines
    again = run_filter(world.server_port, "", username="bob")
    assert (again.returncode, again.stdout) == (0, b"")


def test_filter_reads_and_writes_plain_files(world, run_filter, tmp_path):
    (tmp_path / "in").write_text("bob: from a file\n" * 3)
    with open(tmp_path / "in") as source, open(tmp_path / "out", "w") as target:
        assert run_filter(world.server_port, source, "--json", stdout=target).returncode == 0
    output = (tmp_path / "out").read_bytes()
    assert [event["status"] for event in kinds(output, "receipt")] == ["stored"] * 3
    with open(os.devnull) as source:
        mail = run_filter(world.server_port, source, username="bob")
    assert mail.returncode == 0 and mail.stdout.count(b"alice (stored): from a file\n") == 3


def test_filter_exit_status_and_json(make_world, run_filter):
    world = make_world(environment={"P2P_MAILBOX_MESSAGES": "2"}).start()
    lines = "bob: one\nnonsense\nbob: two\nbob: three\ntwo words: x\nbob: \x1b[2J\n!nonsense\nbob: " + "x" * 40000
    done = run_filter(world.server_port, lines + "\n", "--json")
    assert done.returncode == 1
    assert events(done.stdout)[0]["event"] == "online" and events(done.stdout)[-1] == {
        "event": "end",
        "status": 1,
        "unacknowledged": 0,
    }
    sent = kinds(done.stdout, "sent")
    assert [event["line"] for event in sent] == [1, 3, 4]
    receipts = {event["id"]: event for event in kinds(done.stdout, "receipt")}
    assert [receipts[event["id"]]["status"] for event in sent] == ["stored", "stored", "rejected"]
    assert receipts[sent[2]["id"]]["code"] == "mailbox_full"
    errors = kinds(done.stdout, "error")
    assert [(event["line"], event["code"]) for event in errors] == [
        (2, "invalid_format"),
        (5, "username_invalid"),
        (6, "invalid_text"),
        (7, "unknown_command"),
        (8, "too_long"),
    ]
    plain = run_filter(world.server_port, "bob: four\n")
    assert plain.returncode == 1 and b"was refused: " in plain.stderr and plain.stdout == b""


def test_filter_exit_status_without_a_session(world, run_filter):
    assert run_filter(world.server_port, "bob: hi\n", username="").returncode == 2
    assert run_filter(world.server_port, "bob: hi\n", username="not a name").returncode == 2
    assert run_filter(world.server_port, "bob: hi\n", "--wait", "soon").returncode == 2
    nobody = run_filter(reserve_port(), "bob: hi\n")
    assert nobody.returncode == 3 and b"cannot connect" in nobody.stderr
    world.json("alice")
    taken = run_filter(world.server_port, "bob: hi\n", "--json")
    assert taken.returncode == 3
    assert [event["code"] for event in kinds(taken.stdout, "offline")] == ["username_taken"]
    usage = run_filter(world.server_port, "", "--help")
    assert usage.returncode == 0 and b"3  cannot connect" in usage.stdout


def test_filter_gives_up_waiting_for_receipts(fake_server, binaries, programs):
    alice = programs.start(
        *("p2p-client", "--server-port", fake_server.port, "--username", "alice", "--wait", "1", "--json")
    )
    alice.write("bob: is anybody there?\n")
    alice.close_stdin()
    fake_server.accept()
    alice.wait_exit(1)
    assert kinds(alice.stdout.encode(), "end") == [{"event": "end", "status": 1, "unacknowledged": 1}]


def test_filter_follows_over_a_restart_of_the_server(world, programs):
    alice = programs.start(
        *("p2p-client", "--server-port", world.server_port, "--username", "alice", "--follow", "--json")
    )
    alice.wait_output('"online"')
    alice.write("bob: before\n")
    alice.wait_output('"stored"')
    world.kill_server()
    alice.wait_output('"offline"')
    alice.write("bob: while away\nexit: a name\n")
    alice.close_stdin()
    world.start_server()
    alice.wait_output('"again":true')
    wait_until(lambda: len(kinds(alice.stdout.encode(), "receipt")) == 3, "three receipts")
    bob = world.json("bob")
    bob.message("alice", "hello")
    alice.wait_output('"message":"hello"')
    bob.command("check")
    bob.recv("result")
    assert [frame["message"] for frame in bob.frames if "sender" in frame] == ["before", "while away"]
    world.stop_server()  # its goodbye is no failure of the script
    wait_until(lambda: len(kinds_so_far(alice, "offline")) == 2, "alice is offline again")
    alice.stop()


def test_filter_reads_no_faster_than_the_server_takes(make_world, programs):
    world = make_world(environment={"P2P_RATE_LIMIT": "0"}).start()
    alice = programs.start(
        *("p2p-client", "--server-port", world.server_port, "--username", "alice", "--json")
    )
    alice.wait_output('"online"')
    world.server.signal(signal.SIGSTOP)
    sender = threading.Thread(target=_write_until_closed, args=(alice, b"bob: x\n" * 200_000), daemon=True)
    sender.start()
    try:
        wait_until(lambda: len(kinds_so_far(alice, "sent")) == 10_000, "the outbox is full")
        time.sleep(0.3)  # it must not grow any more
        assert len(kinds_so_far(alice, "sent")) == 10_000
    finally:
        world.server.signal(signal.SIGCONT)
    wait_until(lambda: len(kinds_so_far(alice, "sent")) > 10_000, "it goes on")
    alice.signal(signal.SIGTERM)
    alice.wait_exit(1)
    sender.join(DEADLINE)
    assert not sender.is_alive()


def kinds_so_far(program, kind: str) -> list[str]:
    return re.findall(rf'^{{"event":"{kind}".*}}$', program.stdout, re.M)


def _write_until_closed(program, data: bytes):
    try:
        program.write(data)
    except (BrokenPipeError, ValueError):
        pass


def test_filter_with_a_late_reader_gets_all_its_mail(make_world, binaries, tmp_path):
    world = make_world(environment={"P2P_RATE_LIMIT": "0"}).start()
    bob = world.json("bob")
    text = "x" * 8000
    for i in range(400):  # 3 MB: more than the client holds, so it stops reading
        bob.message("alice", f"{i} {text}", id=f"m{i}")
    for i in range(400):
        bob.recv_receipt(f"m{i}", "stored")
    alice = subprocess.Popen(
        [binaries / "p2p-client", "--server-port", str(world.server_port), "--username", "alice", "--json"],
        cwd=tmp_path,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        bufsize=0,  # communicate() doesn't see what a buffer took behind the first line
    )
    seen = []

    def stands_still() -> bool:  # it has taken what it can hold
        seen.append(Path(f"/proc/{alice.pid}/stat").read_text().split()[13:15])
        return len(seen) > 20 and len(set(map(tuple, seen[-20:]))) == 1

    try:
        assert b'"online"' in alice.stdout.readline()
        wait_until(stands_still, "the client waits for its reader")
        output, _ = alice.communicate(timeout=DEADLINE)
    finally:
        alice.kill()
        alice.wait()
    assert [event["id"] for event in kinds(output, "message")] == [f"m{i}" for i in range(400)]
    assert alice.returncode == 0


def test_filter_killed_while_its_output_is_blocked_loses_nothing(make_world, binaries, tmp_path, run_filter):
    world = make_world(environment={"P2P_RATE_LIMIT": "0"}).start()
    bob = world.json("bob")
    text = "x" * 4000
    for i in range(500):  # 2 MB: more than a pipe and the client hold together
        bob.message("alice", f"{i} {text}", id=f"m{i}")
    for i in range(500):
        bob.recv_receipt(f"m{i}", "stored")
    alice = subprocess.Popen(
        [binaries / "p2p-client", "--server-port", str(world.server_port), "--username", "alice", "--json", "--follow"],
        cwd=tmp_path,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        first = alice.stdout.readline()
        assert b'"online"' in first
        for _ in range(5):
            bob.recv(lambda frame: frame["type"] == "receipt" and frame["status"] == "delivered")
    finally:
        alice.kill()
        output = first + alice.stdout.read()
        alice.wait()
        alice.stdout.close()
    whole = output[: output.rfind(b"\n") + 1]
    before = [event["id"] for event in kinds(whole, "message")]
    wait_until(lambda: "alice" not in _online(bob), "the server has noticed")
    bob.ping()
    delivered = {frame["id"] for frame in bob.frames if frame.get("status") == "delivered"}
    assert delivered <= set(before)
    rest = run_filter(world.server_port, "", "--json")
    assert rest.returncode == 0
    after = [event["id"] for event in kinds(rest.stdout, "message")]
    assert not delivered & set(after)
    assert set(before) | set(after) == {f"m{i}" for i in range(500)}


def _online(client) -> list[str]:
    client.command("users")
    return client.recv(lambda frame: frame["type"] == "result" and frame["command"] == "users")["users"]
