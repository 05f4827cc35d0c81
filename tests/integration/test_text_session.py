"""Text sessions: every line that people with netcat, and the original's clients, rely on."""

import re
import time

import pytest

from harness.process import DEADLINE

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"


def test_login_and_chat(world):
    alice = world.connect_text()
    assert alice.expect("Enter your username: ") == "Enter your username: "
    alice.line("alice")
    assert alice.expect_line("Connected!") == "Connected! Users online: alice"
    bob = world.connect_text()
    bob.expect("Enter your username: ")
    bob.send("bob\r\n")
    assert bob.expect_line("Connected!") == "Connected! Users online: alice, bob"

    alice.send("bob: hello: you\r\n")
    line = bob.expect_line("hello")
    assert re.fullmatch(rf"\[alice\]\[{TIMESTAMP}\] hello: you", line)
    bob.line("alice:   Grüße 🐧\t!  ")
    assert re.fullmatch(rf"\[bob\]\[{TIMESTAMP}\] Grüße 🐧\t!", alice.expect_line("Grüße"))
    alice.line("alice: me")
    assert re.fullmatch(rf"\[alice\]\[{TIMESTAMP}\] me", alice.expect_line("me"))

    alice.line("!users")
    assert alice.expect_line("Users online") == "Users online: bob, alice"
    alice.line("!help")
    for command in ("TO_USERNAME: MESSAGE", "!check", "!users", "!help", "exit"):
        alice.expect(command)
    alice.line("!check")
    alice.expect_line("No stored messages.")
    for line in ("hello", ": hello", "bob:", "what is it: now", "!unknown", ""):
        alice.line(line)
        assert alice.expect_line("Invalid") == "Invalid format. Use: TO_USERNAME: MESSAGE"
    alice.line("server: hello")
    assert "reserved" in alice.expect_line("not sent")
    alice.line("all: hello")
    assert "only services" in alice.expect_line("not sent")
    # Names are matched exactly: nobody called Bob is here.
    alice.line("Bob: hello")
    alice.expect_line("User 'Bob' is offline. Message saved.")

    alice.line("exit")
    assert alice.expect_close() == ""
    bob.line("alice: still here?")
    bob.expect_line("User 'alice' is offline. Message saved.")


def test_names(world):
    world.text("alice")
    for name in ("alice", "ALICE", "  alice "):
        client = world.connect_text()
        client.expect("Enter your username: ")
        client.line(name)
        assert client.expect_close() == "Username already taken. Disconnecting...\n"
    bad = ["", "a b", "x" * 33, "../etc", "server", "SYSTEM", "all", "TO_ALL", "a]", "a:b", "[a", "a,b", b"\xff", b"a\xc3"]
    # Controls of both ranges, what ends lines elsewhere, what turns the direction, what shows nothing.
    bad += [f"a{chr(point)}b" for point in (0, 7, 0xB, 0xD, 0x1B, 0x7F, 0x85, 0x9B, 0xA0, 0xAD, 0x61C, 0x200B, 0x200D, 0x200E,
                                            0x2028, 0x2029, 0x202E, 0x2060, 0x2066, 0x3164, 0xFEFF, 0xE0061)]  # fmt: skip
    for name in bad:
        client = world.connect_text()
        client.expect("Enter your username: ")
        client.send((name if isinstance(name, bytes) else name.encode()) + b"\n")
        end = client.expect_close()
        assert re.fullmatch(r"Invalid username\. [A-Za-z0-9 ,'_.-]+\n", end), name
    # The whole name counts, in its normal form.
    world.text("x" * 32)
    world.text("E\u0301milie").line("Émilie: me")


def test_stored_messages(world):
    alice = world.text("alice")
    alice.line("bob: one")
    alice.expect_line("User 'bob' is offline. Message saved.")
    bot = world.json("bot")
    bot.message("bob", "two\n[alice][now] forged\u2028[alice][now] forged", id="2", metadata={"n": 1})
    bot.recv_receipt("2", "stored")
    bot.message("bob", "three", id="3", type="notification")
    bot.recv_receipt("3", "stored")

    bob = world.text("bob")
    assert re.fullmatch(rf"\[Stored\] \[CHAT\]\[{TIMESTAMP}\]\[alice\] one", bob.expect_line("one"))
    assert re.fullmatch(rf"\[Stored\] \[CHAT\]\[{TIMESTAMP}\]\[bot\] two", bob.expect_line("two"))
    forged = bob.expect_line("Metadata")
    assert re.fullmatch(
        rf"\[Stored\] \[CHAT\]\[{TIMESTAMP}\]\[bot\] \[alice\]\[now\] forged\S+\[alice\]\[now\] forged"
        r' Metadata: \{"n":1\}',
        forged,
    )
    assert "\u2028" not in forged
    assert re.fullmatch(rf"\[Stored\] \[NOTIFICATION\]\[{TIMESTAMP}\]\[bot\] three", bob.expect_line("three"))
    bot.recv_receipt("2", "delivered")
    bot.recv_receipt("3", "delivered")
    bob.line("!check")
    bob.expect_line("No stored messages.")

    # What is no chat does not interrupt: it waits, and a hint says so.
    bot.message("bob", "four", id="4", type="subscription")
    bot.recv_receipt("4", "stored")
    bob.expect_line("1 new stored messages. Type !check.")
    bot.message("bob", "five", id="5")
    bob.expect_line("five")
    bot.message("bob", "six", id="6", type="notification")
    bot.recv_receipt("6", "stored")
    bob.line("!check")
    bob.expect_line("[SUBSCRIPTION]")
    bob.expect_line("six")
    for id in "456":
        bot.recv_receipt(id, "delivered")
    assert bob.transcript.count("four") == 1 and bob.transcript.count("five") == 1

    # What was delivered does not come again.
    bob.line("exit")
    bob.expect_close()
    again = world.text("bob")
    again.line("!check")
    assert "Stored]" not in again.expect("No stored messages.")


def test_packets_and_lines_are_independent(world):
    bob = world.text("bob")
    alice = world.connect_text()
    alice.send("alice\nbob: one\nbob: two\r\nbob: three\n!users\nbob: fo")
    alice.expect("Users online: bob, alice\n")
    for text in ("one", "two", "three"):
        bob.expect_line(text)
    for byte in b"ur\n":
        alice.send(bytes([byte]))
        time.sleep(0.001)
    assert bob.expect_line("four").endswith("] four")
    carol = world.connect_text()
    for byte in "carol\nbob: ünï\nexit\n".encode():
        carol.send(bytes([byte]))
    assert bob.expect_line("[carol]").endswith("] ünï")
    carol.expect_close()


def test_clients_without_newlines(world):
    """The original's clients: a message is what comes in one piece, and the server waits for a pause."""
    bob = world.text("bob")
    alice = world.connect_text()
    alice.expect("Enter your username: ")
    alice.send("alice")
    alice.expect("Connected! Users online: bob, alice\n")
    alice.send("bob: first")
    assert bob.expect_line("first").endswith("] first")
    alice.send("carol: second")
    alice.expect("User 'carol' is offline. Message saved.\n")
    alice.send("!check")
    alice.expect("No stored messages.\n")
    # Once a line has ended properly, a pause ends none any more.
    alice.send("bob: third\nbob: fou")
    bob.expect_line("third")
    time.sleep(0.5)
    alice.send("rth\n")
    assert bob.expect_line("fou").endswith("] fourth")
    alice.send("bob: fifth")
    alice.shutdown_write()
    assert bob.expect_line("fifth").endswith("] fifth")
    alice.expect_close()


def test_answers_come_behind_the_end_of_stream(world):
    """printf 'alice\\nbob: hello\\n' | nc: the answer is waited for, and so are stored messages."""
    alice = world.connect_text()
    alice.send("alice\nbob: hello\nbob: again")
    alice.shutdown_write()
    assert alice.expect_close().count("User 'bob' is offline. Message saved.\n") == 2
    bob = world.connect_text()
    bob.send("bob")
    bob.shutdown_write()
    assert bob.expect_close().count("[Stored] [CHAT]") == 2
    # And so it is behind `exit`, which ends everything else.
    for end in ("exit\n", "exit"):
        alice = world.connect_text()
        alice.send("alice\ncarol: hello\n" + end)
        if end == "exit":
            alice.shutdown_write()
        assert alice.expect_close().count("User 'carol' is offline. Message saved.\n") == 1
    # What was asked for by !check is an answer, too.
    carol = world.connect_text()
    carol.send("carol\n!check\nexit\n")
    assert carol.expect_close().count("[Stored] [CHAT]") == 2
    world.text("bob").line("!check")


@pytest.mark.parametrize("first", ["GET / HTTP/1.1\r\n", "POST /x HTTP/1.1\r\n", "Host: localhost\r\n", "get / HTTP/1.0\r\n"])
def test_http_is_closed(world, first):
    client = world.connect_text()
    client.send(first + "Host: localhost\r\n\r\nalice\nbob: hello\n")
    client.expect("Enter your username: ")
    assert client.expect_close() == ""
    assert world.json("probe").welcome["online_users"] == ["probe"]


def test_rubbish_is_survived(world):
    bob = world.text("bob")
    # Binary at the login.
    client = world.connect_text()
    client.send(bytes(range(256)) * 64 + b"\n")
    assert "Invalid username." in client.expect_close()
    # A login line without an end is not kept.
    client = world.connect_text()
    client.send(b"a" * (1024 * 1024))
    client.shutdown_write()
    assert "Invalid username." in client.expect_close()
    # Binary in a session: answered, and the session goes on.
    alice = world.text("alice")
    alice.send(b"bob: \x00\x01\xff\xfe\n" + bytes(range(128, 256)) + b"\n")
    alice.expect_line("Message not sent: the text is not valid UTF-8 or holds control characters.")
    alice.expect_line("Invalid format.")
    # Nothing in a text looks like a line of somebody else's, in any program that shows it.
    for point in (0, 8, 0xB, 0xC, 0xD, 0x1B, 0x7F, 0x85, 0x9B):
        alice.line(f"bob: x{chr(point)}[carol][now] forged")
        alice.expect_line("Message not sent: the text is not valid UTF-8 or holds control characters.")
    for point in (0x61C, 0x200E, 0x2028, 0x2029, 0x202E, 0x2066):
        alice.line(f"bob: x{chr(point)}[carol][now] shown")
        assert bob.expect_line("shown").endswith(f"] x\\u{{{point:04X}}}[carol][now] shown")
    # 1 MiB without a newline: answered when it ends, and the session goes on.
    alice.send(b"bob: " + b"x" * (1024 * 1024))
    alice.send(b"\nbob: still here\n")
    alice.expect_line("Message not sent: the line is too long.")
    assert bob.expect_line("still").endswith("] still here")
    # The longest message, and one byte more.
    alice.send(b"bob: " + b"y" * 16384 + b"\nbob: " + b"z" * 16385 + b"\n")
    bob.expect("y" * 16384 + "\n")
    alice.expect_line("Message not sent: it is too long.")
    alice.reset()
    bob.line("bob: last")
    bob.expect_line("last")
    assert "zzz" not in bob.transcript


def test_long_list_of_users(world):
    clients = [world.text(f"user{n}") for n in range(103)]
    last = world.connect_text()
    last.expect("Enter your username: ")
    last.line("zoe")
    line = last.expect_line("Connected!")
    assert line.endswith(", zoe (+4 more)") and line.count(",") == 99
    for client in clients:
        client.close()
    last.line("!users")
    last.expect_line("Users online")


def test_login_has_a_deadline(world):
    slow = world.connect_text()
    json_slow = world.connect_json()
    json_slow.send_bytes(b'{"type":"login",')
    slow.expect("Enter your username: ")
    start = time.monotonic()
    slow.expect_close(seconds=DEADLINE)
    assert time.monotonic() - start > 5
    json_slow.expect_close()


def test_nul_in_a_name_in_direct_mode(make_world):
    world = make_world(server_arguments=("--delivery", "direct")).start()
    alice, bob = world.text("alice"), world.text("bob")
    alice.line("bob: first")
    bob.expect_line("] first")
    alice.line("bob" + "\0" * 64 + "x: not to bob")
    alice.expect_line("Invalid format. Use: TO_USERNAME: MESSAGE")
    alice.line("bob: last")
    assert "not to bob" not in bob.expect_line("] last")
