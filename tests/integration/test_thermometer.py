"""The thermometer with the real server and message API: every command, readings, and death at any moment."""

import json
import random
import re
import signal
import time
from datetime import datetime, timezone

import pytest

from harness.process import DEADLINE, wait_until

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"
TOKEN = "a-token-of-the-services"


class Thermometer:
    def __init__(self, world):
        self.world = world
        self.state = world.folder / "data" / "thermometer1.json"

    def launch(self, *arguments, **environment):
        return self.world.programs.start(
            "p2p-thermometer",
            *("--server-port", self.world.server_port, "--sensor", "simulated", *arguments),
            environment=environment,
            cwd=self.world.folder,
        )

    def start(self, *arguments, **environment) -> "Thermometer":
        self.program = self.launch(*arguments, **environment).wait_ready()
        assert self.program.fields == {"username": "thermometer1"}
        return self

    def subscribers(self) -> set[str]:
        return {one["name"] for one in json.loads(self.state.read_text())["subscribers"]}


@pytest.fixture
def thermometer(world) -> Thermometer:
    return Thermometer(world)


def check(client, text: str) -> str:
    """Asks with !check until the stored message with that text comes; returns its line."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        client.line("!check")
        line = client.expect("\n").rstrip("\n")
        if text in line:
            return line
        time.sleep(0.02)
    raise AssertionError(f"{text!r} was not among the stored messages: {client.transcript!r}")


def is_from_thermometer(frame) -> bool:
    return frame.get("sender") == "thermometer1" and "destination" in frame


def take(client, kind: str) -> dict:
    frame = client.recv(lambda f: is_from_thermometer(f) and f["type"] == kind)
    client.got(frame)
    return frame


def ask(client, text: str, id: str | None = None) -> dict:
    client.message("thermometer1", text, id)
    return take(client, "notification")


def of_type(client, kind: str) -> list[dict]:
    return [frame for frame in client.frames if is_from_thermometer(frame) and frame["type"] == kind]


def new_reading(client) -> dict:
    """One that is not here yet."""
    client.ping()
    count = len(of_type(client, "subscription"))
    while True:
        frame = take(client, "subscription")
        if len(of_type(client, "subscription")) > count:
            return frame


def login_again(world, username: str):
    """As soon as the server has noticed that the former connection is gone."""
    while True:
        client = world.connect_json()
        client.send({"type": "login", "username": username})
        if client.recv(lambda frame: frame["type"] in ("login_success", "error"))["type"] == "login_success":
            return client
        client.expect_close()


def test_the_originals_commands_through_netcat(world, thermometer):
    thermometer.start()
    alice = world.text("alice")
    answers = {
        "subscribe": "You are subscribed: the temperature comes every 100 s. Now: ",
        "SUBSCRIBE": "You are already subscribed: the temperature comes every 100 s. Now: ",
        "\t range  ": "Range: ",
        "ReBoot": "Rebooted: the readings begin anew, all subscriptions stay.",
        "  unsubscribe\t": "You are unsubscribed: no more temperatures come.",
        "Unsubscribe": "You are not subscribed.",
        "help": "I am a thermometer.",
        "what is the weather?": "I am a thermometer.",
    }
    for text, answer in answers.items():
        alice.line(f"thermometer1: {text}")
        line = check(alice, answer)
        assert re.fullmatch(rf"\[Stored\] \[NOTIFICATION\]\[{TIMESTAMP}\]\[thermometer1\] {re.escape(answer)}.*", line)
        if answer.startswith("Range"):
            degrees = r"\d\d\.\d"
            assert re.search(
                rf"Range: {degrees} to {degrees} °C, mean {degrees} °C, of 1 reading since "
                r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(simulated room\)",
                line,
            )
            assert len(json.loads(line.split(" Metadata: ")[1])["readings"]) == 1
        if answer.startswith("I am"):
            for command in ("subscribe", "unsubscribe", "range", "reboot", "help"):
                alice.expect_line(f"[thermometer1] {command}: ")
    # Each was answered once, and nothing interrupted what she typed.
    check(alice, "No stored messages.")
    assert alice.transcript.count("[thermometer1] You are subscribed") == 1
    assert len(re.findall(r"^\[Stored\] \[NOTIFICATION\]", alice.transcript, re.MULTILINE)) >= len(answers)
    assert not re.search(r"^\[thermometer1\]", alice.transcript, re.MULTILINE)

    # An answer waits for whoever has left, for the next login.
    alice.line("thermometer1: unsubscribe")
    alice.line("exit")
    alice.expect_close()
    bob = world.json("bob")
    ask(bob, "help")  # answered behind hers
    world.text("alice").expect_line("[thermometer1] You are not subscribed.")


@pytest.mark.threads  # sensor and state file are a worker's
def test_readings(world, thermometer):
    thermometer.start("--interval", "0.3")
    bob, carol = world.json("bob"), world.json("carol")
    assert ask(bob, " subscribe ")["metadata"] == {"subscribed": True, "interval": 0.3}
    for _ in range(4):
        frame = take(bob, "subscription")
        metadata = frame["metadata"]
        assert metadata["unit"] == "°C" and metadata["source"] == "simulated room" and "stored" not in frame
        assert 17 <= metadata["temperature"] <= 25
        assert re.fullmatch(r"Temperature: \d\d\.\d °C \(simulated room\)", frame["message"])
        age = datetime.now(timezone.utc) - datetime.fromisoformat(metadata["time"])
        assert 0 <= age.total_seconds() < DEADLINE
    readings = of_type(bob, "subscription")
    assert all(abs(a["metadata"]["temperature"] - b["metadata"]["temperature"]) < 1 for a, b in zip(readings, readings[1:]))

    # The range is that of what was read, and has what was sent.
    told = ask(bob, "range")["metadata"]
    last = told["readings"]
    temperatures = [reading["temperature"] for reading in last]
    assert told["count"] == len(last) >= 4 and told["unit"] == "°C" and told["source"] == "simulated room"
    assert told["minimum"] == min(temperatures) and told["maximum"] == max(temperatures)
    assert abs(told["mean"] - sum(temperatures) / len(last)) < 0.02
    assert told["since"] == last[0]["time"] and [r["time"] for r in last] == sorted(r["time"] for r in last)
    known = {reading["time"]: reading["temperature"] for reading in last}
    for frame in readings:
        assert known[frame["metadata"]["time"]] == frame["metadata"]["temperature"]

    # A reboot forgets them; the subscription stays. A command is one as type "command" too.
    bob.send({"type": "command", "destination": "thermometer1", "message": "reboot", "id": "boot"})
    assert take(bob, "notification")["message"].startswith("Rebooted")
    again = ask(bob, "range")["metadata"]
    assert again["count"] == 0 or again["since"] > told["readings"][-1]["time"]
    take(bob, "subscription")

    # Who has left gets nothing more; the others do.
    ask(carol, "subscribe")
    assert ask(bob, "unsubscribe")["metadata"] == {"subscribed": False}
    count = len(of_type(bob, "subscription"))
    for _ in range(3):
        take(carol, "subscription")
    bob.ping()
    assert len(of_type(bob, "subscription")) == count

    # Over the server's death, the store's, and a stop of its own.
    world.kill_server()
    world.start_server()
    carol = login_again(world, "carol")
    for _ in range(3):
        take(carol, "subscription")
    world.kill_api()
    world.start_api()
    take(carol, "subscription")
    thermometer.program.stop()
    thermometer.start("--interval", "0.3")
    start = len(of_type(carol, "subscription"))
    wait_until(lambda: take(carol, "subscription") and len(of_type(carol, "subscription")) > start + 2, "more readings")
    ids = [frame["id"] for frame in of_type(carol, "subscription")]
    assert len(ids) == len(set(ids))


def test_an_absent_subscriber_finds_the_last_twenty(world, thermometer):
    thermometer.start("--interval", "0.05")
    dave, eve = world.json("dave"), world.json("eve")
    ask(dave, "subscribe")
    dave.close()
    ask(eve, "subscribe")
    for _ in range(30):
        take(eve, "subscription")
    thermometer.program.kill()
    thermometer.start("--interval", "0.05")
    for _ in range(30):
        take(eve, "subscription")
    thermometer.program.stop()
    eve.ping()
    sent = [frame["metadata"]["time"] for frame in of_type(eve, "subscription")]
    dave = login_again(world, "dave")
    dave.command("check")
    dave.recv("result")
    found = [frame["metadata"]["time"] for frame in of_type(dave, "subscription")]
    assert len(found) == 20 and found == sorted(found)
    assert found[-1] >= sent[-2]


def test_killed_at_any_moment(world, thermometer):
    """Subscribers are intact, every request is answered once, and no reading comes twice: also not to one who logs in
    anew each time, and so remembers nothing."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    seen: list[dict] = []
    asked = 0

    def leave(client):
        """Has all that the server sent, and has said so."""
        done = -1
        while done != len(client.frames):
            done = len(client.frames)
            for frame in filter(is_from_thermometer, client.frames):
                client.got(frame)
            client.ping()
            done += 1  # the answer to the ping
        client.close()
        seen.extend(filter(is_from_thermometer, client.frames))

    fred = world.json("fred")
    thermometer.start("--interval", "0.1")
    ask(fred, "subscribe")
    thermometer.program.kill()
    for turn in range(12):
        person = login_again(world, "gina")
        words = dice.choices(("subscribe", "unsubscribe", "range", "reboot", "help"), k=3)
        words.append("subscribe" if turn % 2 else "unsubscribe")
        # Held: carried out and answered, but the store has not said so. All of it comes again.
        held = turn % 3 == 1
        program = thermometer.launch("--interval", "100" if held else "0.1")
        if turn % 3:
            program.wait_ready()
        if held:
            ask(person, "help")
            asked += 1
            world.api.signal(signal.SIGSTOP)
        ids = [f"{turn}-{place}" for place in range(len(words))]
        for id, word in zip(ids, words):
            person.message("thermometer1", word, id)
        if held:
            for _ in words:
                take(person, "notification")
        elif turn % 2:
            time.sleep(dice.random() * 0.1)
        program.kill()
        if held:
            world.api.signal(signal.SIGCONT)
        thermometer.start("--interval", "0.1")
        for id in ids:
            asked += 1
            if not held:
                take(person, "notification")
            person.recv_receipt(id, "delivered")
        answers = [frame["message"] for frame in of_type(person, "notification")]
        assert len(answers) == len(words) + held, f"seed {seed}: {words} {answers}"
        expected = ("subscribed", "already subscribed") if turn % 2 else ("unsubscribed", "not subscribed")
        assert answers[-1].startswith(tuple(f"You are {word}" for word in expected)), f"seed {seed}: {words} {answers}"
        names = {"fred", "gina"} if turn % 2 else {"fred"}
        assert thermometer.subscribers() == names, f"seed {seed}: {words} {answers}"
        new_reading(fred)
        if turn % 2:
            new_reading(person)
        thermometer.program.kill()
        leave(person)
    # Everything that is still to come stands before this answer.
    thermometer.start("--interval", "100")
    person = login_again(world, "gina")
    person.message("thermometer1", "help", "fence")
    person.recv(lambda f: is_from_thermometer(f) and f["message"].startswith("I am a thermometer"))
    ask(fred, "help", "fence")
    leave(person)
    assert [frame["type"] for frame in seen].count("notification") == asked + 1, f"seed {seed}"
    for frames in (seen, [*filter(is_from_thermometer, fred.frames)]):
        ids = [frame["id"] for frame in frames]
        assert len(ids) == len(set(ids)), f"seed {seed}"
    assert thermometer.subscribers() == {"fred", "gina"}, f"seed {seed}"


def test_its_sensor_settings_and_state(make_world):
    world = make_world(environment={"P2P_SERVICE_TOKEN": TOKEN}).start()
    thermometer = Thermometer(world)
    sensor = world.folder / "temp1_input"

    # What cannot be: said, with the status of its kind.
    for arguments in (("--sensor", sensor), ("--interval", "0"), ("--username", "a b"), ("--log-level", "loud")):
        program = thermometer.launch(*arguments)
        program.wait_exit(2)
        assert arguments[0] in program.stderr
    program = thermometer.launch(P2P_SERVICE_TOKEN="wrong")
    program.wait_exit(1)
    assert "login_refused" in program.stderr and "wrong" not in program.stderr

    sensor.write_text("36500\n")
    thermometer.start("--sensor", sensor, "--interval", "0.2", P2P_SERVICE_TOKEN=TOKEN)
    alice = world.json("alice")
    assert "36.5 °C (sensor temp1_input)" in ask(alice, "subscribe")["message"]
    assert take(alice, "subscription")["metadata"]["source"] == "sensor temp1_input"
    sensor.write_text("-1250\n")
    wait_until(lambda: take(alice, "subscription")["metadata"]["temperature"] == -1.25, "the other temperature")
    # A sensor that fails is no reason to make up a temperature, nor to end.
    sensor.write_text("rubbish")
    thermometer.program.wait_output("no_reading", "stderr")
    told = ask(alice, "range")["metadata"]
    assert (told["minimum"], told["maximum"]) == (-1.25, 36.5)
    sensor.write_text("20000\n")
    wait_until(lambda: take(alice, "subscription")["metadata"]["temperature"] == 20, "it is back")

    # A second one of this name does not get in, and touches nothing.
    second = thermometer.launch(P2P_SERVICE_TOKEN=TOKEN)
    second.wait_exit(1)
    assert "login_refused" in second.stderr and "ready" not in second.stdout
    take(alice, "subscription")
    # Other services are not answered.
    openai = world.json("openai", TOKEN)
    openai.message("thermometer1", "subscribe", "s1")
    openai.recv_receipt("s1", "delivered")

    thermometer.program.stop()
    assert thermometer.state.stat().st_mode & 0o777 == 0o600
    state = thermometer.state.read_text()
    assert thermometer.subscribers() == {"alice"}
    assert not of_type(openai, "notification")
    # What it cannot read it does not write over.
    thermometer.state.write_text(state[:-20])
    program = thermometer.launch(P2P_SERVICE_TOKEN=TOKEN)
    program.wait_exit(1)
    assert "state_not_readable" in program.stderr and thermometer.state.read_text() == state[:-20]
    assert TOKEN not in program.stderr + thermometer.program.stderr
