"""What the system under a program may do to it: a byte at a time, no descriptors, no disk, nobody who reads its output."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from harness import preload
from harness.process import DEADLINE, wait_until
from harness.text_client import TextClient
from harness.web_client import WebClient
from test_launcher import FREE_PORTS, Suite

STATIC = Path(__file__).resolve().parents[2] / "static"


def start_adapter(world, limit: int | None = None, environment: dict[str, str] | None = None):
    command = ["p2p-ws-adapter"]
    if limit:
        path = str(world.programs.path("p2p-ws-adapter"))
        command = ["/bin/sh", "-c", f'ulimit -n {limit}; exec "$0" "$@"', path]
    return world.programs.start(
        *command, "--port", "0", "--server-port", world.server_port, "--static", STATIC,
        environment=environment, cwd=world.folder,
    ).wait_ready()  # fmt: skip


# One byte


def exchange(world, adapter):
    """Something of everything, through all ports."""
    alice, tom, web = world.json("alice"), world.text("tom"), WebClient(adapter.port).login("wendy")
    text = "Grüße an alle, \N{GRINNING FACE}! " + "long " * 400
    alice.message("wendy", text, id="a1", metadata={"a": ["ä", 1]})
    assert web.recv(type="chat", sender="alice")["message"] == text
    alice.recv_receipt("a1", "delivered")
    web.chat("tom", "from the page", "w1")
    tom.expect_line("[wendy]")
    web.recv(type="receipt", id="w1", status="delivered")
    tom.line(f"alice: {text}")
    alice.got(alice.recv_message(text.strip()))
    tom.line("carol: wait here")
    tom.expect("User 'carol' is offline. Message saved.")
    alice.message("carol", "and here", id="a2")
    alice.recv_receipt("a2", "stored")
    carol = world.json("carol")
    for waiting in ("wait here", "and here"):
        frame = carol.recv_message(waiting)
        assert frame["stored"] is True
        carol.got(frame)
    alice.recv_receipt("a2", "delivered")
    assert world.http("GET", "/health").json() == {"status": "ok"}
    page = requests.get(f"http://127.0.0.1:{adapter.port}/", timeout=DEADLINE)
    assert page.content == (STATIC / "index.html").read_bytes()
    web.close()


def test_one_byte_a_call(make_world, binaries):
    """Every read and every write of server and adapter takes one byte, also towards the message API."""
    why = preload.missing(binaries / "p2p-server")
    if why:
        pytest.skip(why)
    environment = {"LD_PRELOAD": str(preload.library("short_io"))}
    world = make_world(environment=environment).start()
    exchange(world, start_adapter(world, environment=environment))


def _drip(sending, text: bytes):
    sending.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in range(len(text)):
        sending.sendall(text[i : i + 1])


def _read_until(receiving, end: bytes):
    answer = b""
    while not answer.endswith(end):
        more = receiving.recv(1)
        assert more, answer
        answer += more


def test_one_byte_a_packet(world):
    """And so do its peers."""
    alice, tom = world.connect_json(), world.connect_text()
    _drip(alice._socket, b'{"type":"login","username":"alice"}\n')
    alice.recv("login_success")
    _drip(tom._socket, b"tom\r\nalice: one by one\r\n")
    assert alice.recv_message()["message"] == "one by one"
    _drip(alice._socket, '{"type":"chat","destination":"tom","message":"ä"}\n'.encode())
    tom.expect_line("] ä")
    body = b'{"sender":"a","destination":"b","message":"c"}'
    head = b"POST /messages/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.api_port), DEADLINE) as api:
        _drip(api, head % len(body) + body)
        assert api.recv(15) == b"HTTP/1.1 200 OK"
    whole = world.http("GET", "/openapi.json").content
    with socket.socket() as api:
        api.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes the least of it
        api.connect(("127.0.0.1", world.api_port))
        api.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: api.recv(1), b""))
        assert answer.partition(b"\r\n\r\n")[2] == whole and len(whole) > 4096
    adapter = start_adapter(world)
    upgrade = (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{adapter.port}\r\nOrigin: http://127.0.0.1:{adapter.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    login = b'{"type":"login","username":"wendy"}'
    with socket.create_connection(("127.0.0.1", adapter.port), DEADLINE) as web:
        _drip(web, upgrade.encode())
        _read_until(web, b"\r\n\r\n")  # before that, no client may send a frame (RFC 6455, 4.1)
        _drip(web, bytes([0x81, 0x80 | len(login), 0, 0, 0, 0]) + login)
        _read_until(web, b"login_success")


# Descriptors


def test_adapter_without_descriptors(world):
    """Near its limit a browser is refused in words; who is in stays in, and others are let in when some have gone."""
    adapter = start_adapter(world, limit=96)
    web = WebClient(adapter.port).login("wendy")
    refused, idle = b"", []
    with contextlib.ExitStack() as stack:
        while not refused:
            assert len(idle) < 96
            one = stack.enter_context(socket.create_connection(("127.0.0.1", adapter.port), DEADLINE))
            idle.append(one)
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % adapter.port)
            answer = one.recv(12)
            refused = answer if answer == b"HTTP/1.1 503" else b""
        assert len(idle) > 20
        web.chat("wendy", "still here", "w1")
        web.recv(type="chat", message="still here")
    back = wait_until(lambda: _connects(adapter.port), "there is room again")
    back.login("walter").chat("wendy", "hello", "w2")
    web.recv(type="chat", message="hello")
    back.close()
    web.close()


def _connects(port: int) -> WebClient | None:
    try:
        return WebClient(port)
    except Exception:  # whatever the library makes of a 503
        return None


def test_server_has_descriptors_again(world, programs):
    """Who was refused is let in when others have gone, and the store is reached all the time."""
    small = programs.start(
        "/bin/sh", "-c", 'ulimit -n 140; exec "$0" "$@"', programs.path("p2p-server"), "--port", "0",
        "--api-base", world.api_url,
    ).wait_ready()  # fmt: skip
    world.server_port = small.port
    first = world.json("first")
    crowd = [world.connect_text() for _ in range(140)]
    wait_until(lambda: "server_full" in small.stderr, "it is full")
    first.message("nobody", "kept", id="m1")
    first.recv_receipt("m1", "stored")
    for client in crowd:
        client.close()

    def let_in():
        client = world.connect_text()
        return "full" not in client.expect(" ") and client

    late = wait_until(let_in, "there is room again")
    late.line("nobody")
    late.expect_line("kept")


# Disks


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 48 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode('utf-8', 'replace')}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Not a byte is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast


def test_thermometer_on_a_full_disk(world, programs, small_disk):
    """A subscription is confirmed when it is on disk, and then it survives; else its owner is told why not."""

    def start():
        return programs.start(
            "p2p-thermometer", "--server-port", world.server_port, "--sensor", "simulated", "--interval", "1",
            "--data", small_disk / "data", cwd=small_disk,
        ).wait_ready()  # fmt: skip

    thermometer = start()
    ballast = fill(small_disk)
    bob = world.json("bob")

    def subscribe(id: str) -> str:
        bob.message("thermometer1", "subscribe", id=id)
        answer = bob.recv(lambda f: f.get("sender") == "thermometer1" and f["type"] == "notification")
        bob.got(answer)
        return answer["message"]

    assert "its disk is full" in subscribe("s1")
    ballast.unlink()
    assert "disk" not in subscribe("s2")
    thermometer.kill()
    start()
    bob.got(bob.recv(lambda f: f.get("sender") == "thermometer1" and f["type"] == "subscription"))


def test_launcher_on_a_full_disk(programs, binaries, small_disk):
    """Logs that cannot be written hold nobody up; a program that dies comes back, and logs go on when there is room."""
    suite = Suite(programs, binaries, small_disk).use_real("p2p-message-api", "p2p-server")
    launcher = suite.start(*FREE_PORTS).wait_ready()
    before = suite.pids()
    alice = TextClient(launcher.port).login("alice")
    alice.line("bob: one")
    alice.expect("Message saved.")
    ballast = fill(small_disk)

    wait_until(lambda: not is_saved(alice, "x" * 16000), "the message store is full, too")
    os.kill(before["p2p-server"], signal.SIGKILL)
    alice.expect_close()
    alice.close()
    alice = wait_until(lambda: log_in(launcher.port, "alice"), "the server is back")
    ballast.unlink()
    wait_until(lambda: is_saved(alice, "two"), "there is room")
    alice.close()
    os.kill(before["p2p-message-api"], signal.SIGKILL)
    wait_until(lambda: suite.events("ended").count("p2p-message-api") == 1, "the log goes on")
    wait_until(lambda: suite.events("ready").count("p2p-message-api") == 2, "and so does the API")
    bob = TextClient(launcher.port).login("bob")
    bob.expect_line("one")
    bob.expect_line("two")
    bob.close()
    launcher.stop()


def is_saved(client: TextClient, text: str) -> bool:
    client.line(f"bob: {text}")
    return "could not be" not in client.expect(" saved.")


def log_in(port: int, username: str) -> TextClient | None:
    try:
        return TextClient(port).login(username)
    except (OSError, AssertionError):
        return None


# Nobody reads its output


@pytest.mark.parametrize("name", ["p2p-message-api", "p2p-server", "p2p-ws-adapter", "p2p-thermometer"])
def test_broken_pipes(world, programs, name):
    """SIGPIPE, and an output that nobody reads any more, are no reason to end."""
    arguments = {
        "p2p-message-api": ("--database", world.folder / "other.db", "--port", 0),
        "p2p-server": ("--api-base", world.api_url, "--port", 0),
        "p2p-ws-adapter": ("--server-port", world.server_port, "--static", STATIC, "--port", 0),
        "p2p-thermometer": ("--server-port", world.server_port, "--sensor", "simulated", "--interval", "1"),
    }[name]
    program = programs.start(name, *arguments, "--log-level", "debug", cwd=world.folder).wait_ready()
    for pipe in (program._process.stdout, program._process.stderr):
        os.dup2(os.open("/dev/null", os.O_RDONLY), pipe.fileno())  # closes the reading end
    program.signal(signal.SIGPIPE)
    if name == "p2p-thermometer":
        bob = world.json("bob")
        bob.message("thermometer1", "range", id="r")
        bob.recv(lambda f: f.get("sender") == "thermometer1" and "id" in f)
    else:
        for _ in range(3):  # each is worth a line of the log
            with socket.create_connection(("127.0.0.1", program.port), DEADLINE) as peer:
                peer.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert peer.recv(1)
    assert program.returncode is None
    program.stop()
