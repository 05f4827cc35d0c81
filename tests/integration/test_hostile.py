"""Hostile peers: forged senders and lines, terminals, logs, injections, paths, slow-loris, wrong protocols, guesses.

Each test says by `hostile_inputs` how many inputs it tried: tests/summary.py adds them up. What harness/hostile.py calls
harmful may reach nobody. Floods, full mailboxes, crowds for one name: test_delivery.py, test_message_api.py,
test_crowds.py; the page and its WebSocket: tests/web.
"""

import json
import re
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from harness import hostile
from harness.hostile import TIME, forged_log_lines, harmful
from harness.model_server import ModelServer, refuse
from harness.process import DEADLINE, wait_until
from harness.terminal import Terminal

TOKEN = "correct horse battery staple"
UNLIMITED = ("--rate-limit", 0)


@pytest.fixture
def tried(record_property):
    """tried(n): so many hostile inputs were tried."""
    count = [0]

    def add(number: int = 1):
        count[0] += number

    yield add
    record_property("hostile_inputs", count[0])


@pytest.fixture
def quick_world(make_world):
    return make_world(server_arguments=UNLIMITED).start()


def exchange(port: int, data: bytes, seconds: float = DEADLINE, wait: bool = True) -> bytes:
    """All that comes back for these bytes until the peer closes, or until it has been silent for `seconds`."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as peer:
        got = b""
        try:
            peer.sendall(data)
            peer.settimeout(seconds)
            while wait and (chunk := peer.recv(65536)):
                got += chunk
        except (TimeoutError, ConnectionError):
            pass
        return got


# Forged senders and lines


def check_transcript(client, senders: set[str]):
    """Every line is the server's own, or has one of these senders at its beginning."""
    raw = bytes(client._data)
    assert not harmful(raw), harmful(raw)
    own = "|".join(re.escape(name) for name in senders)
    allowed = re.compile(
        rf"(Enter your username: )?Connected! Users online: .*|\[({own})\]\[{TIME}\] .*|"
        rf"\[Stored\] \[CHAT\]\[{TIME}\]\[({own})\] .*|\d+ new stored messages?\. Type !check\.|User '(bob|17)' is offline\. Message saved\.|"
        r"No stored messages\.|Message not sent: .*|Invalid format\. Use: TO_USERNAME: MESSAGE|"
    )
    for line in raw.decode().split("\n"):
        assert allowed.fullmatch(line), line


def send_by_every_way(world, destination: str, tried):
    """Every hostile text from mallory by text, JSON and both calls of the API; returns how many were taken by the API."""
    texts = hostile.texts()
    text, program = world.text("mallory"), world.json("mallory2")
    for payload in texts:
        text.send(destination.encode() + b": " + payload + b"\n")
        program.send_bytes(b'{"type":"chat","destination":"%s","message":"' % destination.encode())
        program.send_bytes(payload.replace(b'"', b'\\"') + b'"}\n')
        decoded = payload.decode("utf-8", "surrogatepass" if b"\xed\xa0" in payload else "replace")
        program.send_bytes(json.dumps({"type": "chat", "destination": destination, "message": decoded}).encode() + b"\n")
    batch = [
        {"sender": "mallory3", "destination": destination, "message": payload.decode("utf-8", "replace"), "id": f"b{number}"}
        for number, payload in enumerate(texts)
    ]
    for number, one in enumerate(batch):
        world.http("POST", "/v1/messages", json={"messages": [one]})
        if number % 6 == 0:
            world.http("POST", "/messages/", data=texts[number].join([b'{"sender":"mallory4","destination":"bob","message":"', b'"}']),
                       headers={"Content-Type": "application/json"})
    program.ping()
    text.line(f"{destination}: the end")
    program.message(destination, "the end", id="end")
    program.recv_receipt("end", "stored")
    text.shutdown_write()
    text.expect_close()
    check_transcript(text, {"mallory"})
    tried(len(texts) * 4 + len(texts) // 6)
    return program


@pytest.mark.parametrize("online", [True, False], ids=["online", "stored"])
def test_nobody_speaks_as_another(quick_world, tried, online):
    """In a text session, live and out of the mailbox; and what a program gets is what the server says of its sender."""
    world = quick_world
    senders = {"mallory", "mallory2", "mallory3", "mallory4"}
    bob = world.text("bob") if online else None
    sender = send_by_every_way(world, "bob", tried)
    if not online:
        bob = world.text("bob")
    bob.expect("[mallory2]" if online else "][mallory2] ")
    bob.expect("the end")
    bob.line("!check")
    bob.expect("the end" if online else "No stored messages.")
    check_transcript(bob, senders)
    # The members that are the server's: nobody else sets them.
    program = world.json("program")
    forged = {"sender": "carol", "timestamp": "1999-01-01T00:00:00.000000+00:00", "stored": True, "seq": 1, "_id": "x"}
    sender.send({"type": "chat", "destination": "program", "message": "x", "id": "f", **forged})
    frame = program.recv_message("x")
    assert frame["sender"] == "mallory2" and frame["timestamp"] > "2020" and not {"stored", "seq", "_id"} & set(frame)
    for line in (b'{"type":"chat","destination":"program","message":"y","sender":"mallory2","sender":"carol"}\n',
                 b'{"type":"partial","destination":"program","id":"p","text":"z","sender":"carol"}\n'):
        sender.send_bytes(line)
        tried()
    assert program.recv("partial")["sender"] == "mallory2"
    assert {frame["sender"] for frame in program.frames if "sender" in frame} == {"mallory2"}


def test_hostile_names(quick_world, tried):
    """Refused wherever a name can be given; a name that is shown is a name."""
    world = quick_world
    alice, watcher = world.json("alice"), world.json("watcher")
    for name in hostile.names():
        text = world.connect_text()
        text.send(name + b"\n")
        assert re.search("Invalid username|^Enter your username: $", text.expect_close()), name
        assert not harmful(bytes(text._data)), name
        text.close()
        program = world.connect_json()
        program.send_bytes(b'{"type":"login","username":"' + name + b'"}\n')
        assert program.recv()["type"] == "error", name
        program.close()
        decoded = name.decode("utf-8", "replace")
        alice.send({"type": "chat", "destination": decoded, "message": "x", "id": "n"})
        answer = alice.recv(lambda frame: frame["type"] in ("receipt", "error"))
        assert answer["type"] == "error" or answer["status"] == "rejected", name
        refused = world.http("POST", "/messages/", json={"sender": decoded, "destination": "bob", "message": "x"})
        assert refused.status_code in (400, 422), name
        assert world.http("GET", "/messages/" + quote(name, safe="")).status_code in (404, 405, 422), name
        tried(5)
    watcher.ping()
    assert not [frame for frame in watcher.frames if frame["type"] == "presence"]


def test_lookalikes(make_world, tried):
    """Nobody is online beside somebody who looks the same, nor takes a service's name in other letters."""
    world = make_world(environment={"P2P_SERVICE_TOKEN": TOKEN, "P2P_SERVICE_NAMES": "openai"}).start()
    alike = world.json("аlice")  # Cyrillic a, alone
    for name in ("alice", "ALICE", "аlicе", "ａlice"):
        client = world.connect_json()
        client.send({"type": "login", "username": name})
        assert client.recv()["code"] == "username_taken", name
        tried()
    alike.close()
    for name in hostile.LOOKALIKES:
        client = world.connect_json()
        client.send({"type": "login", "username": name})
        assert client.recv()["code"] == "unauthorized", name
        text = world.connect_text()
        text.line(name)
        assert "belongs to a service" in text.expect_close(), name
        tried(2)


def test_mail_of_others(quick_world, tried):
    """Nobody acknowledges, replaces or overwrites what is between two others."""
    world = quick_world
    alice, mallory = world.json("alice"), world.json("mallory")
    alice.message("bob", "from alice", id="a1")
    alice.recv_receipt("a1", "stored")
    mallory.send({"type": "got", "sender": "alice", "id": "a1"})
    for target in ("a1", "alice:a1", "*", "' OR 1=1 --"):
        mallory.message("bob", "instead", id=f"r{tried() or len(mallory.frames)}", metadata={"replaces": target})
    mallory.message("bob", "overwritten", id="a1", resend=True)
    mallory.recv_receipt("a1", "stored")
    world.http("POST", "/v1/acknowledgements", json={"acknowledgements": [
        {"username": "bob", "epoch": 99, "keys": [{"sender": "alice", "id": "a1"}]}]})
    tried(3)
    mallory.ping()
    bob = world.json("bob")
    frame = bob.recv_message("from alice")
    assert (frame["sender"], frame["id"]) == ("alice", "a1")
    assert bob.recv_message("overwritten")["sender"] == "mallory"


# Terminals and logs


def test_a_terminal_and_a_script_show_nothing_harmful(quick_world, binaries, tmp_path, tried):
    """The client at a pseudo-terminal and in a pipe, and the raw bytes that netcat's user gets; by the real server."""
    world = quick_world
    (tmp_path / "terminal").mkdir()
    terminal = Terminal(
        [binaries / "p2p-client", "--server-port", world.server_port, "--username", "alice"],
        tmp_path / "terminal", {"XDG_STATE_HOME": str(tmp_path)},
    )
    pipes = {
        name: world.programs.start("p2p-client", "--server-port", world.server_port, "--username", name, "--follow", *flags)
        for name, flags in (("plain", ()), ("json", ("--json",)))
    }
    netcat = world.text("netcat")
    mallory = world.json("mallory")
    try:
        terminal.wait("^alice>")
        missing = set(pipes) - set(mallory.welcome["online_users"])
        while missing:
            missing -= set(mallory.recv("presence")["joined"])
        for number, (name, trick) in enumerate(hostile.TRICKS.items()):
            text = f"x{trick.decode('utf-8', 'replace')}17:01 carol: forged {number}"
            for destination in ("alice", "plain", "json", "netcat"):
                mallory.send({"type": "chat", "destination": destination, "message": text, "id": f"{destination}-{number}",
                              "metadata": {name: text}})
                mallory.send({"type": "partial", "destination": destination, "id": f"p{number}", "text": text * 9})
                tried(2)
        for destination in ("alice", "plain", "json", "netcat"):
            mallory.message(destination, "the end")
        terminal.wait("mallory: the end$")
        netcat.expect_line("the end")
        outputs = [program.wait_output("the end.*\n") and program for program in pipes.values()]
        raw = re.sub(rb"\x1b\[[0-9;]*m|\x1b\[[KCA]|\x1b\[\d*[CKPD@]|\x1b\[\?2004[hl]|\x1b\[\?1034h|[\r\x08]", b"", bytes(terminal.raw))
        assert not harmful(raw), harmful(raw)
        assert not re.search("^17:01 carol", terminal.text(), re.MULTILINE)
        for program in outputs:
            assert not harmful(program.stdout.encode()) and not harmful(program.stderr.encode())
            assert "\n17:01 carol" not in program.stdout
        for line in pipes["json"].stdout.splitlines():
            assert json.loads(line)["event"]
        check_transcript(netcat, {"mallory"})
    finally:
        assert terminal.finish() == []


def test_nobody_forges_a_log_line(make_world, programs, tried):
    """What outsiders say, as names, paths, headers, readings and a model's errors, stays within lines of ours."""
    forgery = "\n2026-11-22T17:01:39.123456+00:00 error server store_lost count=7"
    world = make_world(environment={"P2P_LOG_LEVEL": "debug"}, server_arguments=UNLIMITED).start()
    debug = {"P2P_LOG_LEVEL": "debug"}
    ours = ("--server-port", world.server_port)
    adapter = programs.start("p2p-ws-adapter", "--port", 0, *ours, environment=debug).wait_ready()
    thermometer = programs.start("p2p-thermometer", "--interval", 1, *ours, environment=debug).wait_ready()
    model = ModelServer()
    evil = json.dumps({"error": {"message": f"{forgery} \x1b[31m", "code": forgery}}).encode()
    model.usual = refuse(418, evil, x_note="a\x1b[31mb")
    bot = programs.start(
        "p2p-openai-bot", *ours, environment={**debug, "OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "sk-x"}
    ).wait_ready()
    mallory = world.json("mallory")
    for trick in hostile.TRICKS.values():
        line = trick + forgery.encode()
        for port in (world.server_port, world.api_port, adapter.port):
            exchange(port, line + b"\n", wait=False)
            exchange(port, b"GET /" + line + b" HTTP/1.1\r\nHost: x" + line + b"\r\nOrigin: " + line + b"\r\n\r\n", wait=False)
            tried(2)
        text = line.decode("utf-8", "replace")
        exchange(world.server_port, json.dumps({"type": "login", "username": text, "token": text}).encode() + b"\n")
        for destination in ("thermometer1", "openai", "bob"):
            mallory.send({"type": "command", "destination": destination, "message": text, "id": text, "metadata": {text: text}})
            mallory.send({"type": "chat", "destination": destination, "message": f"subscribe {trick.decode('utf-8', 'replace')}"})
            tried(2)
    mallory.message("openai", "hello")
    assert mallory.recv(lambda frame: frame.get("sender") == "openai" and "destination" in frame)["message"]
    mallory.ping()
    for program in (world.server, world.api, adapter, thermometer, bot):
        assert forged_log_lines(program.stderr) == [], program.name
        assert "store_lost" not in re.sub(r'"([^"\\]|\\.)*"', "", program.stderr), program.name
    model.close()


# Injections and paths


@pytest.fixture(params=["sqlite", "mongodb"])
def any_world(request, make_world):
    mongo = request.getfixturevalue("mongo") if request.param == "mongodb" else None
    return make_world(environment={"MONGO_URL": mongo.url} if mongo else {}, server_arguments=UNLIMITED).start()


def test_nothing_is_injected(any_world, tried):
    """SQL and MongoDB's operators in every place of every call: refused, or taken as the text that they are."""
    world = any_world
    post = lambda path, body: tried() or world.http("POST", path, json=body)
    mail = {"sender": "alice", "destination": "victim", "message": "private", "id": "v1"}
    assert post("/messages/", mail).status_code == 200
    for evil in (*hostile.SQL, *hostile.NOSQL):
        is_name = evil == "_"
        for member in ("sender", "destination", "id", "message", "timestamp", "type", "metadata"):
            body = {"sender": "mallory", "destination": "bin", "message": "x", member: evil}
            fine = member == "message" if isinstance(evil, str) else member == "metadata" and isinstance(evil, dict)
            fine = fine or is_name and member in ("sender", "id")
            if is_name and member == "destination":
                continue
            assert (post("/messages/", body).status_code == 200) == fine, body
        assert post("/v1/claims", {"usernames": [evil]}).status_code == 422 or is_name, evil
        keys = [{"sender": "alice", "id": evil}], [{"sender": evil, "id": "v1"}]
        for key in keys:
            post("/v1/acknowledgements", {"acknowledgements": [{"username": "victim", "epoch": 1, "keys": key}]})
        post("/v1/acknowledgements", {"acknowledgements": [{"username": evil, "epoch": 1, "keys": keys[0]}]})
        post("/v1/acknowledgements", {"acknowledgements": [{"username": "victim", "epoch": evil, "keys": keys[0]}]})
        path = quote(evil if isinstance(evil, str) else json.dumps(evil), safe="")
        for target in (f"/messages/{path}", f"/messages/victim{path}", f"/v1/mailboxes/{path}?epoch=1", f"/v1/mailboxes/victim?epoch={path}",
                       f"/v1/mailboxes/victim?epoch[$gt]={path}", f"/v1/mailboxes/victim?epoch=1&after={path}"):
            answer = world.http("GET", target)
            assert "private" not in answer.text, target
            tried()
    # What could be taken was taken as text, and nothing else has changed.
    got = world.http("GET", "/messages/bin").json()["messages"]
    assert [m["message"] for m in got if m["message"] != "x"] == hostile.SQL
    stored = [m["metadata"] for m in got if m["metadata"] != {}]
    assert stored == [evil for evil in hostile.NOSQL if isinstance(evil, dict) and evil]
    assert [m["message"] for m in world.http("GET", "/messages/victim").json()["messages"]] == ["private"]
    assert not Path("/tmp/x").exists()


def test_paths_lead_nowhere(make_world, programs, tmp_path, tried):
    """Out of the page's folder, and through the API's names: encoded, twice encoded, overlong, by links."""
    world = make_world().start()
    secret = tmp_path / "secret.html"
    secret.write_text("top secret")
    static = tmp_path / "static"
    (static / "js").mkdir(parents=True)
    (static / "index.html").write_text("the page")
    (static / "link.html").symlink_to(secret)
    (static / "up").symlink_to(tmp_path)
    (static / ".hidden.html").write_text("top secret")
    adapter = programs.start("p2p-ws-adapter", "--port", 0, "--static", static, "--server-port", world.server_port).wait_ready()
    targets = [target for file in ("secret.html", "etc/passwd", "data/messages.db") for target in hostile.paths(file)]
    targets += ["/link.html", "/up/secret.html", "/.hidden.html", "/up", "/js", "/js/", "/index.html%00.js", "/index.html\0"]
    for target in targets:
        for method in ("GET", "HEAD"):
            head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{adapter.port}\r\nConnection: close\r\n\r\n"
            answer = exchange(adapter.port, head.encode(), seconds=5)
            # A way that goes up and comes back may end at the page.
            assert b"secret" not in answer.split(b"\r\n\r\n", 1)[-1] and b"root:" not in answer and b"SQLite" not in answer, target
            tried()
        head = f"GET /messages{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = exchange(world.api_port, head.encode(), seconds=5)
        assert re.match(rb"HTTP/1.1 (400|404|405|422) ", answer) or b'{"messages":[]}' in answer, (target, answer)
        tried()
    assert exchange(adapter.port, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{adapter.port}\r\nConnection: close\r\n\r\n".encode()).endswith(b"the page")


# Time, floods, strangers, guesses


class Dripping:
    """Connections that send a byte of `then` now and then, or nothing; `ended` fills as they are cut off."""

    def __init__(self, port: int, first: bytes, then: bytes, count: int):
        self.sockets = [socket.create_connection(("127.0.0.1", port), DEADLINE) for _ in range(count)]
        self.ended: list[float] = []
        self._start = time.monotonic()
        self._then = then
        for one in self.sockets:
            one.setblocking(False)
            one.send(first)

    def step(self):
        for one in list(self.sockets):
            try:
                if self._then:
                    one.send(self._then)
                while one.recv(4096, socket.MSG_DONTWAIT):
                    pass
            except BlockingIOError:
                continue
            except ConnectionError:
                pass
            self.ended.append(time.monotonic() - self._start)
            self.sockets.remove(one)
            one.close()


def test_slow_loris(make_world, programs, tried):
    """On every port: cut off by its deadline, byte by byte or silent, and others are served meanwhile."""
    world = make_world().start()
    adapter = programs.start("p2p-ws-adapter", "--port", 0, "--server-port", world.server_port).wait_ready()
    page = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{adapter.port}\r\n".encode()
    kinds = [  # port, first words, then byte by byte, seconds at most
        (world.server_port, b"", b"", 10),
        (world.server_port, b"\xff", b"\xff", 10),  # a name would be one after a moment of silence
        (world.server_port, b'{"type":"login"', b" ", 10),
        (world.api_port, b"", b"", 15),
        (world.api_port, b"GET /health HTTP/1.1\r\nX: ", b"x", 30),
        (world.api_port, b"POST /messages/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", b" ", 30),
        (adapter.port, b"", b"", 45),
        (adapter.port, page + b"X: ", b"x", 45),
    ]
    dripping = [(Dripping(port, first, then, 25), limit) for port, first, then, limit in kinds]
    tried(25 * len(kinds))
    alice, bob = world.json("alice"), world.json("bob")
    end = time.monotonic() + 2 * max(limit for _, limit in dripping)
    number = 0
    while any(one.sockets for one, _ in dripping) and time.monotonic() < end:
        for one, _ in dripping:
            one.step()
        number += 1
        alice.message("bob", f"served {number}")
        bob.got(bob.recv_message(f"served {number}", seconds=5))
        assert world.http("GET", "/health").status_code == 200
        assert exchange(adapter.port, page + b"Connection: close\r\n\r\n", seconds=5).startswith(b"HTTP/1.1 ")
        time.sleep(0.5)
    for (one, limit), kind in zip(dripping, kinds):
        assert not one.sockets, kind
        assert max(one.ended) < limit + 10, (kind, one.ended)


def test_wrong_protocols(make_world, programs, tried):
    """Whoever speaks something else is sent away, on every port; nothing that it said was done."""
    world = make_world().start()
    adapter = programs.start("p2p-ws-adapter", "--port", 0, "--server-port", world.server_port).wait_ready()
    bob = world.json("bob")
    answers = {}

    def visit(port: int, name: str, data: bytes):
        answers[port, name] = exchange(port, data, seconds=1)

    visits = [
        threading.Thread(target=visit, args=(port, name, data))
        for port in (world.server_port, world.api_port, adapter.port)
        for name, data in hostile.PROTOCOLS.items()
    ]
    for one in visits:
        one.start()
    for one in visits:
        one.join()
    tried(len(visits))
    for (port, name), answer in answers.items():
        if port == world.server_port:
            # Many a first line is a name that may be had (SOCKS' is not): then it is no more than that.
            assert answer.startswith(b"Enter your username: "), (name, answer)
            assert not harmful(answer), (name, answer)
        elif name not in ("HTTP/1.1", "HTTP/1.0"):
            assert not answer or re.match(rb"HTTP/1.[01] [45]\d\d ", answer), (port, name, answer)
    bob.ping()
    assert not [frame for frame in bob.frames if "destination" in frame]
    assert world.http("GET", "/health").status_code == 200


def test_guessing_the_token(make_world, tried):
    """Nothing but the token itself opens; guesses are in the log, what was guessed is not, nor the token anywhere."""
    world = make_world(environment={"P2P_SERVICE_TOKEN": TOKEN}).start()
    strings = ["", " ", TOKEN[:-1], TOKEN + "x", TOKEN + " ", " " + TOKEN, TOKEN.upper(), TOKEN * 2, "\u0441" + TOKEN[1:], "x" * 1000]
    strings += [TOKEN[:at] + chr(ord(TOKEN[at]) ^ 1) + TOKEN[at + 1 :] for at in range(len(TOKEN))]
    for guess in (*strings, None, True, 0, [], [TOKEN], {"$ne": ""}):
        client = world.connect_json()
        client.send({"type": "login", "username": "openai", "token": guess})
        assert client.recv()["type"] == "error", guess
        client.close()
        tried()
    for guess in strings:
        for scheme in ("Bearer ", "bearer  ", "Basic ", "", "Token "):
            if (scheme, guess.strip()) == ("Bearer ", TOKEN) or (scheme, guess.strip()) == ("bearer  ", TOKEN):
                continue  # spaces around a header's value are none of it
            header = (scheme + guess).strip().encode()
            answer = exchange(world.api_port, b"GET /messages/bob HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " + header + b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 401 "), guess
            tried()
    assert world.json("openai", TOKEN).welcome["username"] == "openai"
    for program in (world.server, world.api):
        assert "_refused" in program.stderr
        assert TOKEN not in program.stderr + program.stdout and TOKEN[:-1] not in program.stderr
        assert TOKEN.encode() not in Path(f"/proc/{program.pid}/cmdline").read_bytes()


def test_a_flood_of_strangers(make_world, tried):
    """Connections that say nothing, or rubbish, by the thousand: who is in is served, and nothing of them stays."""
    world = make_world().start()
    alice, bob = world.json("alice"), world.json("bob")
    resident = lambda: int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{world.server.pid}/status").read_text())[1])
    before = resident()
    strangers = []
    for number in range(2000):
        one = socket.create_connection(("127.0.0.1", world.server_port), DEADLINE)
        one.send((b"", b"x" * 1000, b'{"type":"login","username":"' + b"y" * 1000, b"\xff" * 1000)[number % 4])
        strangers.append(one)
        if number % 100 == 0:
            alice.message("bob", f"served {number}")
            bob.got(bob.recv_message(f"served {number}", seconds=5))
    tried(len(strangers))
    assert resident() - before < 32 * 1024
    for one in strangers:
        one.close()
    late = world.json("late")
    assert sorted(late.welcome["online_users"]) == ["alice", "bob", "late"]
    wait_until(lambda: len(list(Path(f"/proc/{world.server.pid}/fd").iterdir())) < 100, "their descriptors are closed")
