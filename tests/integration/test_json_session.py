"""JSON sessions: every frame of the protocol, from outside."""

import json
import os
import socket
import time

from harness.process import DEADLINE, wait_until

TOKEN = "a-long-service-token"


def test_login_and_users(world):
    alice = world.json("alice")
    assert alice.welcome == {
        "type": "login_success",
        "username": "alice",
        "online_users": ["alice"],
        "max_message_bytes": 16384,
    }
    text = world.text("zoe")
    bob = world.json("bob")
    assert bob.welcome["online_users"] == ["alice", "zoe", "bob"]
    bob.command("users")
    assert bob.recv("result") == {"type": "result", "command": "users", "users": ["alice", "zoe", "bob"], "online": 3}
    bob.command("ping")
    assert bob.recv("result") == {"type": "result", "command": "ping"}
    bob.command("check")
    assert bob.recv("result") == {"type": "result", "command": "check", "stored": 0}
    # The name comes back normalised.
    emilie = world.json("E\u0301milie")
    assert emilie.welcome["username"] == "\u00c9milie"
    text.line("alice: hi")
    assert alice.recv_message("hi")["sender"] == "zoe"


def _refused(world, line) -> str:
    client = world.connect_json()
    client.send_bytes(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    error = client.recv("error")
    client.expect_close()
    assert error["message"]
    return error["code"]


def test_refused_logins(world):
    world.json("alice")
    assert _refused(world, {"type": "login", "username": "Alice"}) == "username_taken"
    assert _refused(world, {"type": "login", "username": "a b"}) == "username_invalid"
    assert _refused(world, {"type": "login", "username": ""}) == "username_invalid"
    assert _refused(world, {"type": "login", "username": "System"}) == "username_reserved"
    assert _refused(world, {"type": "login"}) == "invalid_frame"
    assert _refused(world, {"type": "login", "username": 7}) == "invalid_frame"
    assert _refused(world, {"type": "command", "command": "ping"}) == "invalid_frame"
    assert _refused(world, b"{not json\n") == "invalid_json"
    assert _refused(world, b'{"type":"login","username":"bob"} x\n') == "invalid_json"


def test_messages_and_receipts(world):
    alice, bob = world.json("alice"), world.json("bob")
    sent = {"type": "chat", "destination": "bob", "message": "hällo\n\t\"x\"", "id": "m1", "metadata": {"a": [1, "é"]}}
    alice.send({**sent, "sender": "mallory", "timestamp": "1999-01-01T00:00:00+00:00", "stored": True})
    frame = bob.recv_message()
    assert {name: frame[name] for name in sent} == sent
    assert frame["sender"] == "alice" and frame["timestamp"] > "2020" and "stored" not in frame
    assert alice.recv_receipt("m1") == {"type": "receipt", "id": "m1", "status": "stored"}
    alice.ping()
    assert not [f for f in alice.frames if f.get("status") == "delivered"]
    bob.got(frame)
    assert alice.recv_receipt("m1") == {"type": "receipt", "id": "m1", "status": "delivered"}

    # Every type comes live; an id is minted when the sender gives none.
    for kind in ("chat", "command", "notification", "subscription"):
        alice.send({"type": kind, "destination": "bob", "message": kind})
        frame = bob.recv_message(kind)
        assert frame["type"] == kind and len(frame["id"]) == 36
    # To somebody who is offline, and to oneself.
    alice.message("carol", "later", id="m2")
    assert alice.recv_receipt("m2")["status"] == "stored"
    alice.message("alice", "note", id="m3")
    alice.got(alice.recv_message("note"))
    alice.recv_receipt("m3", "stored")
    alice.recv_receipt("m3", "delivered")
    # A text session has it when its TCP has.
    text = world.text("dave")
    alice.message("dave", "to netcat", id="m4")
    text.expect_line("to netcat")
    alice.recv_receipt("m4", "stored")
    alice.recv_receipt("m4", "delivered")


def test_refused_messages(world):
    alice, bob = world.json("alice"), world.json("bob")
    cases = [
        ({"message": "x" * 16385}, "too_long"),
        ({"message": ""}, "empty"),
        ({"message": "a\u0007b"}, "invalid_text"),
        ({"message": "x", "metadata": {"k": "v" * 9000}}, "invalid_metadata"),
        ({"message": "x", "metadata": []}, "invalid_metadata"),
        ({"message": "x", "type": "shout"}, "invalid_type"),
        ({"message": "x", "destination": "a b"}, "username_invalid"),
        ({"message": "x", "destination": "server"}, "username_reserved"),
        ({"message": "x", "destination": "all"}, "unauthorized"),
        ({"message": 7}, "invalid_frame"),
    ]
    for number, (members, code) in enumerate(cases):
        alice.send({"type": "chat", "destination": "bob", "id": f"r{number}", **members})
        receipt = alice.recv_receipt(f"r{number}")
        assert (receipt["status"], receipt["code"]) == ("rejected", code), members
        assert receipt["reason"]
    # Without an id that could be named it is an error.
    for frame, code in [
        ({"type": "chat", "destination": "bob", "message": "x", "id": "not an id"}, "invalid_id"),
        ({"type": "command", "command": "dance"}, "unknown_command"),
        ({"type": "login", "username": "eve"}, "invalid_frame"),
        ({"type": "login_success"}, "invalid_frame"),
        ({"type": "got", "sender": "bob"}, "invalid_frame"),
        ({"type": "nonsense"}, "invalid_frame"),
        ([], "invalid_json"),
    ]:
        alice.send(frame)
        assert alice.recv("error")["code"] == code, frame
    for line in (b"rubbish\n", b"\xff\xfe{}\n", b'{"type":"chat","destination":"bob","message":"a\0b"}\n', b'{"type":"chat","destination":"bob","message":"\\u0000"}\n', b"\n"):
        alice.send_bytes(line)
        assert alice.recv("error")["code"] == "invalid_json"
    alice.send_bytes(b'{"type":"chat","message":"' + b"x" * (1024 * 1024) + b'"}\n')
    assert alice.recv("error")["code"] == "too_long"
    # A got for what was never sent does nothing.
    alice.send({"type": "got", "sender": "bob", "id": "unknown"})
    alice.message("bob", "after all that")
    assert bob.recv_message()["message"] == "after all that"


def test_the_same_message_twice(world):
    alice, bob = world.json("alice"), world.json("bob")
    alice.message("bob", "once", id="d1")
    alice.recv_receipt("d1", "stored")
    frame = bob.recv_message("once")
    for resend in ({}, {"resend": True}):
        alice.message("bob", "once", id="d1", **resend)
        assert alice.recv_receipt("d1")["status"] == "stored"
    bob.got(frame)
    alice.recv_receipt("d1", "delivered")
    for resend in ({}, {"resend": True}):
        alice.message("bob", "once", id="d1", **resend)
        assert alice.recv_receipt("d1")["status"] == "stored"
    # The server forgets over a restart; the store does not.
    alice.message("bob", "never got", id="d2")
    alice.recv_receipt("d2", "stored")
    bob.recv_message("never got")
    bob.ping()
    assert len([f for f in bob.frames if f.get("id") == "d1"]) == 1
    world.restart_server()
    alice, bob = world.json("alice"), world.json("bob")
    assert bob.recv_message("never got")["stored"] is True
    for id in ("d1", "d2"):
        alice.message("bob", "once", id=id, resend=True)
        assert alice.recv_receipt(id)["status"] == "stored"
    # What comes behind a possible repeat stays behind it.
    alice.message("bob", "new, though it says resend", id="d3", resend=True)
    alice.message("bob", "last", id="d4")
    assert bob.recv_message()["id"] == "d3"
    assert bob.recv_message()["id"] == "d4"
    bob.ping()
    assert [f["id"] for f in bob.frames if "destination" in f] == ["d2", "d3", "d4"]


def test_check_brings_what_others_stored(world):
    bob = world.json("bob")
    # The login's own reading has ended then.
    bob.command("check")
    assert bob.recv("result")["stored"] == 0
    posted = world.http("POST", "/messages/", json={"sender": "api", "destination": "bob", "message": "by API"})
    assert posted.status_code == 200
    bob.command("check")
    frame = bob.recv_message("by API")
    assert frame["stored"] is True and frame["sender"] == "api"
    assert bob.recv("result")["stored"] == 1
    # Sent, but not acknowledged: not again in this session.
    api = world.json("api")
    api.message("bob", "live", id="live")
    api.recv_receipt("live", "stored")
    bob.command("check")
    assert bob.recv("result")["stored"] == 0
    assert [f["message"] for f in bob.frames if "destination" in f] == ["by API", "live"]
    bob.got(bob.recv_message("live"))
    bob.close()
    bob = login_again(world, "bob")
    again = bob.recv_message("by API")
    bob.got(again)
    bob.ping()
    world.restart_server()
    bob = world.json("bob")
    bob.command("check")
    assert bob.recv("result")["stored"] == 0
    assert not [f for f in bob.frames if "destination" in f]


def login_again(world, username: str):
    """Logs in as soon as the server has noticed that the former connection is gone."""
    while True:
        client = world.connect_json()
        client.send({"type": "login", "username": username})
        client.welcome = client.recv(lambda frame: frame["type"] in ("login_success", "error"))
        if client.welcome["type"] == "login_success":
            return client
        client.expect_close()


def test_presence(world):
    alice = world.json("alice")
    bob = world.text("bob")
    frame = alice.recv("presence")
    assert frame == {"type": "presence", "joined": ["bob"], "left": [], "online": 2}
    bob.line("exit")
    assert alice.recv("presence") == {"type": "presence", "joined": [], "left": ["bob"], "online": 1}
    # Many at once are few frames, and everyone is told of everyone else.
    start = time.monotonic()
    names = [f"user{n}" for n in range(50)]
    clients = [world.json(name) for name in names]
    seen = set()
    while seen != set(names):
        seen |= set(alice.recv("presence")["joined"])
    elapsed = time.monotonic() - start
    assert len([f for f in alice.frames if f["type"] == "presence"]) - 2 <= elapsed * 5 + 1
    for name, client in zip(names, clients):
        known = set(client.welcome["online_users"])
        while not known >= {"alice", *names}:
            joined = client.recv("presence")["joined"]
            assert name not in joined
            known |= set(joined)


def test_partial_frames(world):
    bot, alice = world.json("bot"), world.json("alice")
    text = world.text("bob")
    for destination in ("alice", "bob", "nobody"):
        bot.send({"type": "partial", "destination": destination, "id": "p1", "text": "growing"})
    assert alice.recv("partial") == {"type": "partial", "sender": "bot", "id": "p1", "text": "growing"}
    bot.send({"type": "partial", "destination": "alice", "id": "p1"})
    assert bot.recv("error")["code"] == "invalid_frame"
    bot.message("alice", "grown", id="p1")
    alice.recv_message("grown")
    text.line("!check")
    text.expect_line("No stored messages.")
    assert "growing" not in text.transcript


def test_service_names_and_broadcast(make_world):
    world = make_world(environment={"P2P_SERVICE_TOKEN": TOKEN, "P2P_SERVICE_NAMES": "thermometer1,bot"}).start()
    for username, token in (("bot", None), ("BOT", None), ("bot", "wrong"), ("alice", "wrong"), ("bot", TOKEN[:-1])):
        frame = {"type": "login", "username": username}
        assert _refused(world, {**frame, "token": token} if token else frame) == "unauthorized"
    text = world.connect_text()
    text.expect("Enter your username: ")
    text.line("bot")
    assert text.expect_close() == "Invalid username. This name belongs to a service.\n"

    bot = world.json("bot", TOKEN)
    alice, bob = world.json("alice"), world.text("bob")
    bot.message("all", "to everyone", id="b1")
    assert alice.recv_message("to everyone")["destination"] == "all"
    bob.expect_line("] to everyone")
    bot.recv_message("to everyone")
    bot.recv_receipt("b1", "delivered")
    # A repeat, because the receipt was lost, is not shown again.
    bot.message("all", "to everyone", id="b1", resend=True)
    bot.recv_receipt("b1", "delivered")
    bot.message("TO_ALL", "the same", id="b2")
    alice.recv_message("the same")
    bob.expect_line("] the same")
    assert bob.transcript.count("] to everyone") == 1
    alice.message("all", "me too", id="b3")
    assert alice.recv_receipt("b3")["code"] == "unauthorized"
    # With the token the store is used too.
    alice.message("carol", "stored", id="b4")
    alice.recv_receipt("b4", "stored")
    world.json("carol").recv_message("stored")
    bob.line("!check")
    bob.expect_line("No stored messages.")
    assert TOKEN not in world.server.stderr


def test_settings(programs, tmp_path):
    for arguments, environment, words in [
        (("--host", "0.0.0.0"), {}, "P2P_SERVICE_TOKEN"),
        (("--delivery", "sometimes"), {}, "delivery"),
        (("--api-base", "ftp://x"), {}, "api-base"),
        (("--api-base", "http://"), {}, "api-base"),
        (("--port", "70000"), {}, "port"),
        ((), {"P2P_LOG_LEVEL": "loud"}, "log-level"),
    ]:
        program = programs.start("p2p-server", "--port", "0", *arguments, environment=environment)
        program.wait_exit(2)
        assert words in program.stderr and "ready" not in program.stdout
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        program = programs.start("p2p-server", "--port", taken.getsockname()[1])
        program.wait_exit(1)
        assert "listen_failed" in program.stderr
    help_text = programs.start("p2p-server", "--help")
    help_text.wait_exit(0)
    for flag in ("--host", "--port", "--api-base", "--delivery", "--rate-limit", "P2P_SERVICE_TOKEN"):
        assert flag in help_text.stdout
    open_to_all = programs.start(
        "p2p-server", "--port", "0", "--host", "0.0.0.0", environment={"P2P_SERVICE_TOKEN": TOKEN}
    )
    open_to_all.wait_ready()


def test_a_dead_peer_is_noticed(world):
    """The kernel asks an idle peer soon whether it is there (and gives up within 60 s by common/connector.c)."""
    client = world.connect_json()
    client.login("alice")
    ports = f":{world.server_port:04X}", f":{client._socket.getsockname()[1]:04X}"

    def keepalive() -> str:
        """In how long it asks, as hexadecimal clock ticks; "" while another timer runs."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table]
        row = next(row for row in rows if row[1].endswith(ports[0]) and row[2].endswith(ports[1]))
        kind, when = row[5].split(":")
        return when if kind == "02" else ""

    assert int(wait_until(keepalive, "the connection is idle"), 16) <= 20 * os.sysconf("SC_CLK_TCK")


def test_full_server_refuses_politely(world, programs):
    """Near the limit of descriptors: a sentence, not a hanging connection; and the sessions go on."""
    files = 140
    small = programs.start(
        "/bin/sh", "-c", f'ulimit -n {files}; exec "$0" "$@"', programs.path("p2p-server"), "--port", "0",
        "--api-base", world.api_url,
    ).wait_ready()
    world.server_port, port = small.port, world.server_port
    first = world.text("first")
    refused = None
    for _ in range(files):
        client = world.connect_text()
        if "The server is full" in _beginning(client):
            refused = client
            break
    assert refused is not None
    refused.expect_close()
    first.line("first: still here")
    first.expect_line("still here")
    world.server_port = port


def _beginning(client) -> str:
    """The first words that the server says."""
    while len(client.transcript) < 18 and client._receive(DEADLINE):
        pass
    return client.transcript
