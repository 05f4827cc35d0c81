"""The promise: what was acknowledged is never lost and never delivered again, whatever dies or is away."""

import fcntl
import re
import signal
import socket
import struct
import termios
import threading
import time

import pytest
from harness.process import wait_until
from harness.world import World

REFUSED = "could not be saved. Try again later."


def login_again(world, username: str):
    """Logs in as soon as the server has noticed that the former connection is gone."""
    while True:
        client = world.connect_json()
        client.send({"type": "login", "username": username})
        frame = client.recv(lambda frame: frame["type"] in ("login_success", "error"))
        if frame["type"] == "login_success":
            return client
        client.expect_close()
        client.close()
        time.sleep(0.02)


def waiting(client) -> list[str]:
    """The texts of all messages that wait in the mailbox of this (just logged in) client."""
    client.command("check")
    client.recv("result")
    return [frame["message"] for frame in client.frames if "destination" in frame and "sender" in frame]


def reads_slowly(client):
    """Nothing of the login is left, and the kernel takes little for it: how much it would take by itself differs from
    machine to machine. (Less than some loopback packets, and TCP would fall back to a byte now and then.)"""
    assert waiting(client) == []
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)


@pytest.fixture(params=["sqlite", "mongodb"])
def any_world(request, make_world):
    """A running world on each of the stores; `kill` kills all of it in the same moment, `start` starts it again."""
    mongo = request.getfixturevalue("mongo") if request.param == "mongodb" else None
    world = make_world(environment={"MONGO_URL": mongo.url} if mongo else {}).start()

    def kill():
        for program in [world.server, world.api] + ([mongo.program] if mongo else []):
            program.signal(signal.SIGKILL)
        for part in [world.kill_server, world.kill_api] + ([mongo.kill] if mongo else []):
            part()

    def start():
        if mongo:
            mongo.start()
        World.start(world)

    world.kill, world.start = kill, start
    return world


def test_saved_survives_the_death_of_everything(any_world):
    world = any_world
    for round in range(3):
        alice = world.text("alice")
        alice.line(f"bob: {round}")
        alice.expect("User 'bob' is offline. Message saved.")
        world.kill()
        world.start()
    carol = world.json("carol")
    carol.message("bob", "3", id="c1")
    carol.recv_receipt("c1", "stored")
    world.kill()
    world.start()
    bob = world.json("bob")
    assert waiting(bob) == ["0", "1", "2", "3"]
    for frame in [f for f in bob.frames if "destination" in f]:
        bob.got(frame)
    bob.ping()
    # A clean stop takes what was acknowledged along.
    world.restart_server()
    assert waiting(world.json("bob")) == []


def test_live_message_survives_until_got(world):
    alice, bob = world.json("alice"), world.json("bob")
    alice.message("bob", "kept", id="k1")
    alice.message("bob", "done", id="k2")
    alice.recv_receipt("k2", "stored")
    bob.recv_message("kept")
    bob.got(bob.recv_message("done"))
    alice.recv_receipt("k2", "delivered")
    bob.reset()
    bob = login_again(world, "bob")
    frame = bob.recv_message("kept")
    assert frame["stored"] is True
    assert waiting(bob) == ["kept"]
    bob.got(frame)
    alice.recv_receipt("k1", "delivered")
    bob.close()
    bob = login_again(world, "bob")
    assert waiting(bob) == []


def test_got_before_the_put(any_world):
    """Received while the put of another message is under way: it is never written, but a repeat is recognised."""
    world = any_world
    alice, bob = world.json("alice"), world.json("bob")
    assert waiting(bob) == []
    world.api.signal(signal.SIGSTOP)
    alice.message("carol", "under way", id="u1")
    alice.ping()
    for i in range(20):
        alice.message("bob", f"live {i}", id=f"l{i}")
    alice.message("bob", "replaces", id="l20", metadata={"replaces": "l0"})
    for frame in [bob.recv_message(f"live {i}") for i in range(20)] + [bob.recv_message("replaces")]:
        bob.got(frame)
    bob.ping()
    assert not [frame for frame in alice.frames if frame["type"] == "receipt"]
    world.api.signal(signal.SIGCONT)
    for i in range(21):
        alice.recv_receipt(f"l{i}", "stored")
        alice.recv_receipt(f"l{i}", "delivered")
    alice.recv_receipt("u1", "stored")
    world.kill()
    world.start()
    alice, bob = world.json("alice"), world.json("bob")
    for i in range(21):
        alice.message("bob", "again", id=f"l{i}", resend=True)
        alice.recv_receipt(f"l{i}", "stored")
    assert set(waiting(bob)) <= {"replaces"}  # that one was put, and its got may have been on its way


def test_got_and_login_at_once(world):
    """A page that was read before the acknowledgement does not bring the message again."""
    alice = world.json("alice")
    bob = world.json("bob")
    for number in range(30):
        alice.message("bob", str(number), id=f"g{number}")
        alice.recv_receipt(f"g{number}", "stored")
        frame = bob.recv_message()
        assert frame["message"] == str(number)
        bob.got(frame)
        bob.command("check")
        bob.recv("result")
    bob.got(frame)
    alice.recv_receipt("g29", "delivered")
    assert len([f for f in bob.frames if "destination" in f]) == 30


def ping_while(client, condition, meanwhile=lambda: None):
    """Pings as long as the condition holds, and three times at least: each is answered within a second. (The median
    counts, because a busy machine may stop a test for longer.)"""
    times = []
    while len(times) < 3 or condition():
        start = time.monotonic()
        client.ping()
        times.append(time.monotonic() - start)
        meanwhile()
    assert sorted(times)[len(times) // 2] < 1, times


def test_store_away(any_world):
    """Chat goes on without the store, saving is refused at once, and all is well again soon after it is back."""
    world = any_world
    alice, bob = world.text("alice"), world.text("bob")
    jack, jill = world.json("jack"), world.json("jill")
    for end in ("stop", "kill"):
        name = f"carol-{end}"
        bob.line(f"{name}: before")
        bob.expect("Message saved.")
        getattr(world, f"{end}_api")()
        # The first message meets the dead store: nobody who is online notices.
        alice.line(f"bob: hi {end}")
        bob.expect_line(f"] hi {end}")
        jack.message("jill", f"live {end}", id=f"live-{end}")
        jill.got(jill.recv_message(f"live {end}"))
        assert jack.recv_receipt(f"live-{end}")["status"] == "delivered"
        start = time.monotonic()
        alice.line(f"{name}: refused")
        assert alice.expect_line("Message to") == f"Message to '{name}' {REFUSED}"
        ping_while(jack, lambda: False)
        jack.message(name, "refused", id=f"refused-{end}")
        assert jack.recv_receipt(f"refused-{end}")["code"] == "store_unavailable"
        assert time.monotonic() - start < 5
        alice.line("!check")
        alice.expect_line("Stored messages cannot be read now.")
        jack.command("check")
        assert jack.recv("error")["code"] == "store_unavailable"
        # Not received and not on disk: kept in memory.
        jack.message("jill", f"held {end}", id=f"held-{end}")
        held = jill.recv_message(f"held {end}")
        # A login does not wait for the store either.
        carol = world.json(name)
        jack.message(name, "to carol", id=name)
        carol.got(carol.recv_message("to carol"))
        assert jack.recv_receipt(name)["status"] == "delivered"

        world.start_api()
        start = time.monotonic()
        carol.got(carol.recv_message("before"))
        jack.recv_receipt(f"held-{end}", "stored")
        jill.got(held)
        jack.recv_receipt(f"held-{end}", "delivered")
        alice.line(f"dave: after {end}")
        alice.expect_line("User 'dave' is offline. Message saved.")
        assert time.monotonic() - start < 5
        carol.ping()
        carol.close()
        assert waiting(login_again(world, name)) == []
    dave = world.json("dave")
    assert waiting(dave) == ["after stop", "after kill"]


def test_login_while_a_put_hangs(world):
    """Accepted for somebody offline who logs in before the store is known to be away: handed over, so not refused."""
    alice, jack = world.text("alice"), world.json("jack")
    world.api.signal(signal.SIGSTOP)
    alice.line("bob: from netcat")
    jack.message("jill", "from a program", id="h1")
    jack.message("carol", "nobody is there", id="h2")
    jack.ping()
    bob, jill = world.text("bob"), world.json("jill")
    bob.expect_line("from netcat")
    frame = jill.recv_message("from a program")
    assert jack.recv_receipt("h2")["code"] == "store_unavailable"
    assert "could not" not in alice.transcript and not [f for f in jack.frames if f.get("id") == "h1"]
    jill.got(frame)
    jack.recv_receipt("h1", "delivered")
    world.api.signal(signal.SIGCONT)
    wait_until(lambda: "store_back" in world.server.stderr, "the store is back")
    alice.line("carol: after")
    alice.expect_line("User 'carol' is offline. Message saved.")
    bob.line("exit")
    bob.expect_close()
    jill.close()
    assert waiting(login_again(world, "bob")) == [] and waiting(login_again(world, "jill")) == []


def test_session_ends_while_the_store_is_away(world):
    """What the recipient may not have received stays in memory until the store can take it."""
    jack, jill = world.json("jack"), world.json("jill")
    # The first put is under way when the store dies, the others wait behind it: they keep their order.
    world.api.signal(signal.SIGSTOP)
    for number in range(3):
        jack.message("jill", str(number), id=f"m{number}")
    jill.recv_message("2")
    world.kill_api()
    wait_until(lambda: "store_away" in world.server.stderr, "the server has noticed")
    jill.reset()
    # She comes back before the store does, then after it.
    jill = login_again(world, "jill")
    assert [jill.recv_message()["message"] for _ in range(3)] == ["0", "1", "2"]
    jill.reset()
    wait_until(lambda: world.server.stderr.count("session_closed") >= 2, "jill is gone")
    world.start_api()
    for number in range(3):
        jack.recv_receipt(f"m{number}", "stored")
    assert waiting(world.json("jill")) == ["0", "1", "2"]


def test_memory_is_bounded_while_the_store_is_away(make_world):
    """A recipient who never says got fills its share of the memory; then senders are told, and others chat on."""
    world = make_world(server_arguments=("--rate-limit", "0")).start()
    jack, jill, joe = world.json("jack"), world.json("jill"), world.json("joe")
    world.kill_api()
    count = 500
    for number in range(count):
        jack.message("jill", f"{number} " + "x" * 14000, id=f"b{number}")
    assert jack.recv_receipt(f"b{count - 1}")["code"] == "store_unavailable"
    jack.message("joe", "hello", id="joe")
    joe.got(joe.recv_message("hello"))
    assert jack.recv_receipt("joe")["status"] == "delivered"
    refused = {f["id"] for f in jack.frames if f.get("status") == "rejected"}
    kept = [f"b{number}" for number in range(count) if f"b{number}" not in refused]
    assert 200 < len(kept) < 400
    world.start_api()
    jack.recv_receipt(kept[-1], "stored")
    assert {f["id"] for f in jack.frames if f.get("status") == "stored"} == set(kept)


def test_memory_is_bounded_while_the_store_hangs(make_world):
    """Until the store is known to be away its answers are waited for: not more than 64 MiB are kept meanwhile."""
    world = make_world(server_arguments=("--rate-limit", "0")).start()
    loud, quiet = world.json("loud"), world.json("quiet")
    world.api.signal(signal.SIGSTOP)
    count, text = 9000, "x" * 16000
    frame = '{"type":"chat","id":"u%d","destination":"user%d","message":"%s"}\n'
    flood = "".join(frame % (number, number, text) for number in range(count)).encode()
    sender = threading.Thread(target=loud.send_bytes, args=(flood,))
    sender.start()
    ping_while(quiet, lambda: "store_away" not in world.server.stderr)
    sender.join()
    for number in range(count):
        assert loud.recv_receipt(f"u{number}")["code"] == "store_unavailable"
    if not any(word in str(world.programs.binaries) for word in ("asan", "tsan")):
        with open(f"/proc/{world.server.pid}/status", encoding="ascii") as status:
            most = int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))
        assert 64 * 1024 < most < 110 * 1024
    world.api.signal(signal.SIGCONT)


def test_store_hangs(world):
    """A store that takes connections but never answers is away too."""
    alice, bob = world.text("alice"), world.text("bob")
    world.api.signal(signal.SIGSTOP)
    alice.line("bob: still here")
    bob.expect_line("still here")
    start = time.monotonic()
    alice.line("carol: hello")
    jack, joe = world.json("jack"), world.json("joe")

    def chat():
        jack.message("joe", "tick")
        joe.got(joe.recv_message("tick", seconds=10))
        alice._receive(0.2)

    ping_while(jack, lambda: REFUSED not in alice.transcript, chat)
    alice.expect_line(REFUSED)
    assert time.monotonic() - start < 10
    alice.line("carol: hello")
    start = time.monotonic()
    alice.expect_line(REFUSED)
    assert time.monotonic() - start < 2
    # This one was received while nobody knew whether it was stored. It was; still it does not come again.
    dave = world.json("dave")
    world.api.signal(signal.SIGCONT)
    wait_until(lambda: world.server.stderr.count("store_back") == 1, "the store is back")
    world.api.signal(signal.SIGSTOP)
    jack.message("dave", "unknown", id="u1")
    dave.got(dave.recv_message("unknown"))
    jack.recv_receipt("u1", "delivered")
    world.api.signal(signal.SIGCONT)
    start = time.monotonic()
    wait_until(lambda: world.server.stderr.count("store_back") == 2, "the store is back again")
    assert time.monotonic() - start < 5
    assert waiting(dave) == ["unknown"]
    dave.close()
    assert waiting(login_again(world, "dave")) == []
    alice.line("emma: hello")
    alice.expect_line("User 'emma' is offline. Message saved.")


def test_direct_mode_keeps_order_behind_a_mailbox_that_is_read(make_world):
    """More than may be held in memory comes while the mailbox is still claimed: part of it goes to the store."""
    world = make_world(server_arguments=("--delivery", "direct", "--rate-limit", "0")).start()
    alice = world.text("alice")
    world.api.signal(signal.SIGSTOP)
    bob = world.text("bob")
    count, filler = 700, "x" * 8000
    for number in range(count):
        alice.line(f"bob: {number} {filler}")
    alice.line("!users")
    alice.expect("Users online: ")
    world.api.signal(signal.SIGCONT)
    bob.expect_line(f"] {count - 1} {filler}")
    came = [line.split("] ")[-1].split()[0] for line in bob.transcript.splitlines() if filler in line]
    assert came == [str(number) for number in range(count)]


def test_direct_mode(make_world):
    world = make_world(server_arguments=("--delivery", "direct")).start()
    alice, bob = world.json("alice"), world.json("bob")
    assert waiting(bob) == []  # until then, messages go through the store to keep their order
    alice.message("bob", "in memory", id="d1")
    bob.got(bob.recv_message("in memory"))
    assert alice.recv_receipt("d1")["status"] == "delivered"
    alice.message("bob", "in memory", id="d1", resend=True)
    assert alice.recv_receipt("d1")["status"] == "delivered"
    # The session ends before got: then it goes to the store.
    alice.message("bob", "not received", id="d2")
    bob.recv_message("not received")
    bob.reset()
    assert alice.recv_receipt("d2")["status"] == "stored"
    alice.message("carol", "offline", id="d3")
    assert alice.recv_receipt("d3")["status"] == "stored"
    bob = login_again(world, "bob")
    assert waiting(bob) == ["not received"]
    text = world.text("carol")
    text.expect_line("[Stored]")
    alice.recv_receipt("d3", "delivered")
    # Chat needs no store at all; a clean stop puts what is in memory alone to it.
    world.kill_api()
    alice.message("carol", "without a store", id="d4")
    text.expect_line("without a store")
    alice.recv_receipt("d4", "delivered")
    world.start_api()
    wait_until(
        lambda: world.server.stderr.count(" store_away ") == world.server.stderr.count(" store_back "),
        "the store is back, if the server missed it at all",
    )
    bob.got(bob.recv_message("not received"))
    alice.message("bob", "at the stop", id="d5")
    bob.recv_message("at the stop")
    world.restart_server()
    assert waiting(world.json("bob")) == ["at the stop"]


def test_direct_mode_with_ids_of_the_server(make_world):
    """The short way of JSON sessions: got in any order, twice or made up; what takes the long way stays between."""
    world = make_world(server_arguments=("--delivery", "direct", "--rate-limit", "0")).start()
    alice, bob = world.json("alice"), world.json("bob")
    assert waiting(bob) == []
    texts = ["plain", "caf\u00e9", "two\nlines", 'a "quote"', "plain again", "with an id", "x" * 16384, "the last"]

    def send_all() -> list[dict]:
        for text in texts:
            alice.message("bob", text, id="c1" if text == "with an id" else None)
        frames = [bob.recv_message() for _ in texts]
        assert [frame["message"] for frame in frames] == texts
        assert all(frame["sender"] == "alice" and frame["destination"] == "bob" for frame in frames)
        assert "stored" not in frames[0] and frames[0]["metadata"] == {} and frames[0]["type"] == "chat"
        return frames

    def receipts(count: int) -> list[str]:
        came = [alice.recv("receipt") for _ in range(count)]
        assert all(receipt["status"] == "delivered" for receipt in came)
        return [receipt["id"] for receipt in came]

    frames = send_all()
    ids = [frame["id"] for frame in frames]
    assert len(set(ids)) == len(ids)
    for frame in frames:
        bob.got(frame)
    assert receipts(len(ids)) == ids
    texts.remove("with an id")  # the same id again would be a repeat
    frames = send_all()
    for frame in [frames[0], *reversed(frames)]:
        bob.got(frame)
    bob.send({"type": "got", "sender": "alice", "id": "nonsense"})
    bob.send({"type": "got", "sender": "bob", "id": frames[1]["id"]})
    bob.ping()
    assert receipts(len(frames)) == [frames[0]["id"], *(frame["id"] for frame in reversed(frames[1:]))]
    alice.message("alice", "to herself")
    alice.got(alice.recv_message("to herself"))
    receipts(1)
    assert not [frame for frame in bob.frames if frame["type"] == "error"]
    alice.ping()
    assert not [frame for frame in alice._waiting if frame["type"] != "presence"]


def test_direct_mode_stores_what_a_json_session_left_unread(make_world):
    world = make_world(server_arguments=("--delivery", "direct", "--rate-limit", "0")).start()
    alice, carol, bob = world.json("alice"), world.json("carol"), world.json("bob")
    assert waiting(bob) == []
    for number in range(100):
        alice.message("bob", f"alice {number}", id="a50" if number == 50 else None)
    alice.ping()
    for number in range(10):
        carol.message("bob", f"carol {number}")
    carol.ping()
    frames = [bob.recv_message() for _ in range(110)]
    for frame in frames[:20]:
        bob.got(frame)
    bob.got(frames[30])
    bob.ping()
    bob.reset()
    left = [*frames[20:30], *frames[31:]]
    for sender, client in (("alice", alice), ("carol", carol)):
        for frame in left:
            if frame["sender"] == sender:
                client.recv_receipt(frame["id"], "stored")
    bob = login_again(world, "bob")
    came = [bob.recv_message() for _ in left]
    for frame in came:
        assert frame.pop("stored") is True
    assert came == left
    for frame in came:
        bob.got(frame)
    for sender, client in (("alice", alice), ("carol", carol)):
        for frame in left:
            if frame["sender"] == sender:
                client.recv_receipt(frame["id"], "delivered")
    # A sender who is away, or has come back, when got comes.
    alice.message("bob", "for later")
    carol.message("bob", "for nobody")
    frames = [bob.recv_message("for later"), bob.recv_message("for nobody")]
    alice.close()
    carol.close()
    alice = login_again(world, "alice")
    for frame in frames:
        bob.got(frame)
    alice.recv_receipt(frames[0]["id"], "delivered")
    bob.ping()


def test_direct_mode_stores_what_a_text_session_left_unread(make_world):
    """What the peer's TCP has not acknowledged comes again, to the last message, in order; what it has does not."""
    world = make_world(server_arguments=("--delivery", "direct", "--rate-limit", "0")).start()
    alice, carol, bob = world.text("alice"), world.json("carol"), world.text("bob")
    bob._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    alice.line("bob: first")
    bob.expect_line("[alice]")
    count, filler = 3000, "x" * 200
    for number in range(count):
        if number == count // 2:
            alice.line("!users")
            alice.expect("Users online: ")
            carol.message("bob", "between", id="c1")
            carol.command("ping")
            carol.recv("result")
        alice.line(f"bob: {number} {filler}")
    alice.line("!users")
    alice.expect_line("Users online: ")
    bob.reset()
    carol.recv_receipt("c1", "stored")
    came = [text.split()[0] for text in waiting(login_again(world, "bob"))]
    first = int(came[0])
    assert first < count // 2
    expected = [str(number) for number in range(first, count)]
    expected.insert(count // 2 - first, "between")
    assert came == expected


def test_direct_mode_keeps_the_order_when_memory_is_full(make_world):
    """Who reads too slowly is written to by way of the store: nothing overtakes what was in memory alone."""
    world = make_world(server_arguments=("--delivery", "direct", "--rate-limit", "0")).start()
    for end in ("reads on", "comes back"):
        alice, bob = login_again(world, "alice"), login_again(world, "bob")
        reads_slowly(bob)
        sent = 0
        while not [f for f in alice.frames if f.get("status") == "stored"]:
            for _ in range(10):
                alice.message("bob", f"{sent} " + "x" * 14000, id=f"{end[0]}{sent}")
                sent += 1
            alice.ping()
            assert sent < 3000
        for _ in range(10):
            alice.message("bob", f"{sent} " + "x" * 100, id=f"{end[0]}{sent}")
            sent += 1
        alice.ping()
        if end == "comes back":
            bob.reset()
            bob = login_again(world, "bob")
        for number in range(sent):
            frame = bob.recv_message()
            assert frame["id"] == f"{end[0]}{number}"
            bob.got(frame)
        alice.recv_receipt(f"{end[0]}{sent - 1}", "delivered")
        for client in (alice, bob):
            client.close()


def test_order_under_load(make_world):
    """Several senders, a recipient who comes and goes: all of it, in each sender's order."""
    world = make_world(server_arguments=("--rate-limit", "0")).start()
    senders = {name: world.json(name) for name in ("ann", "ben", "cat")}
    count = 400

    def send(name, client):
        for number in range(count):
            client.message("bob", f"{name} {number} " + "x" * 500, id=f"{name}-{number}")

    threads = [threading.Thread(target=send, args=item) for item in senders.items()]
    for thread in threads:
        thread.start()
    seen: dict[str, list[int]] = {name: [] for name in senders}
    known = set()
    for _ in range(3):
        bob = login_again(world, "bob")
        for _ in range(150):
            frame = bob.recv_message()
            bob.got(frame)
            # What was sent again because its got was not taken in before the connection was cut.
            if frame["id"] not in known:
                known.add(frame["id"])
                seen[frame["sender"]].append(int(frame["message"].split()[1]))
        bob.reset()
    bob = login_again(world, "bob")
    while len(known) < 3 * count:
        frame = bob.recv_message()
        bob.got(frame)
        if frame["id"] not in known:
            known.add(frame["id"])
            seen[frame["sender"]].append(int(frame["message"].split()[1]))
    for thread in threads:
        thread.join()
    for name, client in senders.items():
        assert seen[name] == list(range(count))
        for number in range(count):
            client.recv_receipt(f"{name}-{number}", "stored")
            client.recv_receipt(f"{name}-{number}", "delivered")
    bob.close()
    assert waiting(login_again(world, "bob")) == []


def test_slow_reader(make_world):
    """Who does not read is ended, nobody else suffers, and the messages stay."""
    world = make_world(
        server_arguments=("--rate-limit", "0"), environment={"P2P_MAILBOX_BYTES": str(64 * 1024 * 1024)}
    ).start()
    alice, bob = world.json("alice"), world.json("bob")
    carol = world.text("carol")
    reads_slowly(bob)
    count, text = 1500, "x" * 14000
    for number in range(count):
        alice.message("bob", f"{number} {text}", id=f"s{number}")
    wait_until(lambda: "too_slow" in world.server.stderr, "the slow session ends")
    alice.message("carol", "not slow")
    carol.expect_line("not slow")
    alice.recv_receipt(f"s{count - 1}", "stored")
    bob.expect_close()
    bob = login_again(world, "bob")
    for number in range(count):
        frame = bob.recv_message()
        assert frame["id"] == f"s{number}" and frame["stored"] is True
        bob.got(frame)
    alice.recv_receipt(f"s{count - 1}", "delivered")


def test_slow_reader_while_the_store_is_slow(make_world):
    """What comes while the store is asked for the rest counts, too."""
    world = make_world(server_arguments=("--rate-limit", "0")).start()
    alice, bob = world.json("alice"), world.json("bob")
    reads_slowly(bob)
    text = "x" * 14000
    for number in range(700):
        alice.message("bob", text, id=f"a{number}")
    alice.recv_receipt("a699", "stored")
    world.api.signal(signal.SIGSTOP)
    while bob._receive(0.3):
        pass
    for number in range(900):
        alice.message("bob", text, id=f"b{number}")
    alice.ping()
    world.api.signal(signal.SIGCONT)
    start = time.monotonic()
    wait_until(lambda: "too_slow" in world.server.stderr, "the slow session ends")
    assert time.monotonic() - start < 15  # not by its 1 MiB for 30 s


def test_text_reader_that_vanishes(world):
    """What its TCP has not acknowledged was not delivered."""
    alice, bob = world.json("alice"), world.text("bob")
    count, text = 350, "y" * 16000
    for number in range(count):
        alice.message("bob", f"{number} {text}", id=f"t{number}")
    alice.recv_receipt(f"t{count - 1}", "stored")

    def delivered() -> set[str]:
        alice.ping()
        return {f["id"] for f in alice.frames if f.get("status") == "delivered"}

    def acknowledged() -> int:
        """Whole messages in the client's own socket buffer: that is what its TCP has acknowledged."""
        return struct.unpack("i", fcntl.ioctl(bob._socket, termios.FIONREAD, b"    "))[0] // (len(text) + 48)

    wait_until(lambda: 0 < len(delivered()) == acknowledged() < count, "all that came is delivered, and no more")
    bob.reset()
    wait_until(lambda: "session_closed" in world.server.stderr, "bob is gone")
    again = login_again(world, "bob")
    rest = [int(text.split()[0]) for text in waiting(again)]
    assert rest and rest[-1] == count - 1 and rest == list(range(rest[0], count))
    assert {f"t{number}" for number in range(rest[0])} == delivered()


def test_rate_limit_slows_and_loses_nothing(make_world):
    rate, count = 50, 220
    world = make_world(server_arguments=("--rate-limit", rate)).start()
    alice, bob = world.json("alice"), world.text("bob")
    start = time.monotonic()
    for number in range(count):
        alice.message("bob", f"number {number}")
    carol = world.text("carol")
    carol.send("".join(f"bob: line {number}\n" for number in range(count)))
    bob.expect_line(f"number {count - 1}")
    assert time.monotonic() - start > (count - 2 * rate) / rate * 0.8
    wait_until(lambda: _received(bob, f"line {count - 1}\n"), "all of carol's lines")
    for prefix in ("number", "line"):
        lines = [line for line in bob.transcript.splitlines() if f"] {prefix} " in line]
        assert [int(line.rsplit(" ", 1)[1]) for line in lines] == list(range(count))


def _received(client, text: str) -> bool:
    client._receive(0.1)
    return text in client.transcript


def test_loud_sessions_starve_nobody(make_world):
    """Without a rate limit, too, every session gets its turn soon."""
    world = make_world(server_arguments=("--rate-limit", "0")).start()
    quiet = world.json("quiet")
    loud = [world.json(f"loud{number}") for number in range(40)]
    frames = b'{"type":"got","sender":"nobody","id":"unknown"}\n' * 80000

    def shout(client):
        client.send_bytes(frames)
        client.ping()

    threads = [threading.Thread(target=shout, args=(client,)) for client in loud]
    for thread in threads:
        thread.start()
    ping_while(quiet, lambda: any(thread.is_alive() for thread in threads))
    for thread in threads:
        thread.join()


def test_made_up_gots_are_slowed_too(make_world):
    """A got for a message that was handed over is free; what answers nothing counts like any other frame."""
    rate, count = 100, 300
    world = make_world(server_arguments=("--rate-limit", rate)).start()
    alice, bob = world.json("alice"), world.json("bob")
    for number in range(rate):
        alice.message("bob", str(number), id=f"g{number}")
    start = time.monotonic()
    for number in range(rate):
        bob.got(bob.recv_message(str(number)))
    alice.recv_receipt(f"g{rate - 1}", "delivered")
    bob.send_bytes(b'{"type":"got","sender":"alice","id":"unknown"}\n' * count)
    bob.ping()
    assert time.monotonic() - start > (count - 2 * rate) / rate * 0.8


def test_full_mailbox(make_world):
    world = make_world(environment={"P2P_MAILBOX_MESSAGES": "3"}).start()
    alice, text = world.json("alice"), world.text("tom")
    for number in range(4):
        alice.message("bob", str(number), id=f"f{number}")
    for number in range(3):
        alice.recv_receipt(f"f{number}", "stored")
    assert alice.recv_receipt("f3")["code"] == "mailbox_full"
    text.line("bob: full")
    text.expect_line(f"Message to 'bob' {REFUSED}")
    bob = world.json("bob")
    assert waiting(bob) == ["0", "1", "2"]
    # To somebody who is online it is still handed on; it was delivered, or refused when the session ends.
    for number in (4, 5):
        alice.message("bob", str(number), id=f"f{number}")
    bob.got(bob.recv_message("4"))
    alice.recv_receipt("f4", "delivered")
    bob.recv_message("5")
    bob.reset()
    assert alice.recv_receipt("f5")["code"] == "mailbox_full"
    assert waiting(login_again(world, "bob")) == ["0", "1", "2"]


def test_another_owner_of_the_mailbox(world, programs):
    """Two servers on one store: the older owner's acknowledgements are refused, so it claims again."""
    alice, bob = world.json("alice"), world.json("bob")
    bob.ping()
    bob.command("check")
    bob.recv("result")
    other = programs.start("p2p-server", "--port", "0", "--api-base", world.api_url).wait_ready()
    here, world.server_port = world.server_port, other.port
    other_bob = world.json("bob")
    assert waiting(other_bob) == []
    alice.message("bob", "one", id="o1")
    bob.got(bob.recv_message("one"))
    alice.recv_receipt("o1", "delivered")
    alice.message("bob", "two", id="o2")
    alice.recv_receipt("o2", "stored")
    # The other one asks: it owns no more, claims, and reads what was not received.
    other_bob.command("check")
    assert other_bob.recv_message()["message"] in ("one", "two")
    bob.got(bob.recv_message("two"))
    alice.recv_receipt("o2", "delivered")
    world.server_port = here
    world.restart_server()
    assert waiting(world.json("bob")) == []


def test_stop_while_keys_wait(world):
    """What was received on both sides of the end is no reason to call a store that is gone."""
    pairs = [(world.json(f"from{number}"), world.json(f"to{number}")) for number in range(20)]
    for turn in range(10):
        for number, (sender, _) in enumerate(pairs):
            sender.message(f"to{number}", "hello", id=f"m{turn}")
        for _, receiver in pairs:
            receiver.got(receiver.recv_message("hello"))
    for sender, receiver in pairs:
        sender.reset()
        receiver.reset()
    world.stop_server()


def test_stop_tells_the_sessions(world):
    alice, text = world.json("alice"), world.text("tom")
    waits = world.connect_text()
    waits.expect("Enter your username: ")
    for number in range(50):
        alice.message("bob", str(number), id=f"e{number}")
    text.line("bob: last words")
    text.expect("Message saved.")
    world.stop_server()
    assert alice.recv("error")["code"] == "closed"
    alice.expect_close()
    assert "stopping" in text.expect_close()
    waits.expect_close()
    world.start_server()
    texts = waiting(world.json("bob"))
    stored = {f["id"] for f in alice.frames if f.get("status") == "stored"}
    assert texts and set(texts) >= {id[1:] for id in stored} and "last words" in texts
    assert len(texts) == len(set(texts))
