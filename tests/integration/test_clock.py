"""The wall clock is set a day forth and a day back while everything runs: nobody waits longer, nothing comes in another
order or twice, and what is minted stays unique and in order."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from harness import preload

DAY = 24 * 60 * 60


@pytest.fixture
def clock(binaries, tmp_path):
    why = preload.missing(binaries / "p2p-server")
    if why:
        pytest.skip(why)
    return preload.ShiftedClock(tmp_path / "clock")


def expected(shift: int) -> datetime:
    return datetime.now(timezone.utc) + timedelta(seconds=shift)


@pytest.mark.parametrize("delivery", ["durable", "direct"])
def test_a_day_forth_and_back(make_world, clock, delivery):
    world = make_world(environment={**clock.environment, "P2P_DELIVERY": delivery}).start()
    alice, bob, tom = world.json("alice"), world.json("bob"), world.text("tom")
    shifts = [0, DAY, 0, -DAY, 0, 2 * DAY, -2 * DAY]
    start = time.monotonic()
    ids = []
    for number, shift in enumerate(shifts):
        clock.set(shift)
        alice.message("bob", f"live {number}", id=f"live{number}")
        frame = bob.recv_message(f"live {number}")
        bob.got(frame)
        alice.recv_receipt(f"live{number}", "delivered")
        assert abs(datetime.fromisoformat(frame["timestamp"]) - expected(shift)) < timedelta(minutes=1)
        # Ids of the server's own, which it mints from the clock.
        tom.line(f"bob: from tom {number}")
        frame = bob.recv_message(f"from tom {number}")
        ids.append(frame["id"])
        bob.got(frame)
        # Mailboxes.
        alice.message("carol", f"saved {number}", id=f"saved{number}")
        alice.recv_receipt(f"saved{number}", "stored")
    assert ids == sorted(set(ids)), "ids are unique, and in the order in which they were minted"
    bob.command("check")
    assert bob.recv("result")["stored"] == 0
    carol = world.json("carol")
    for number in range(len(shifts)):
        frame = carol.recv(lambda f: "destination" in f)
        assert frame["message"] == f"saved {number}"
        carol.got(frame)
        alice.recv_receipt(f"saved{number}", "delivered")
    assert time.monotonic() - start < 20, "nobody waited for the clock"


def test_a_late_retry_is_known_whatever_the_clock_says(make_world, clock):
    """An acknowledged message is remembered for 7 days: a clock that is a day wrong, then or now, does not end that
    within the 24 h of the retries."""
    world = make_world(environment=clock.environment)
    for shift, later in ((-DAY, DAY), (DAY, -DAY), (0, 6 * DAY)):
        name = f"bob{shift}"
        clock.set(shift)
        world.start()
        alice, bob = world.json("alice"), world.json(name)
        alice.message(name, "once", id=f"m{shift}")
        bob.got(bob.recv_message("once"))
        alice.recv_receipt(f"m{shift}", "delivered")
        world.stop_server()
        world.stop_api()
        clock.set(later)
        world.start()  # which looks for what may be forgotten
        alice, bob = world.json("alice"), world.json(name)
        alice.message(name, "once", id=f"m{shift}", resend=True)
        alice.recv_receipt(f"m{shift}", "stored")
        bob.command("check")
        bob.recv("result")
        assert [f for f in bob.frames if "destination" in f] == []
        world.stop_server()
        world.stop_api()


def test_timers_do_not_follow_the_clock(make_world, clock, programs):
    """Sessions live on, and readings come on, when a day is gone in a moment."""
    world = make_world(environment=clock.environment).start()
    program = programs.start(
        "p2p-thermometer", "--server-port", world.server_port, "--sensor", "simulated", "--interval", "1",
        environment=clock.environment, cwd=world.folder,
    )  # fmt: skip
    program.wait_ready()
    bob = world.json("bob")
    bob.message("thermometer1", "subscribe", id="s")
    readings = lambda f: f.get("type") == "subscription" and "destination" in f  # noqa: E731
    for shift in (0, DAY, -DAY, 0):
        clock.set(shift)
        for _ in range(2):
            frame = bob.recv(readings)
            bob.got(frame)
    bob.message("thermometer1", "range", id="r")
    bob.recv(lambda f: f.get("type") == "notification" and f["sender"] == "thermometer1" and "id" in f)
    assert "session_closed" not in world.server.stderr
