"""A sender that sends again what had no receipt: nothing overtakes a repeat while the store is asked about it."""

import signal

import pytest


@pytest.mark.parametrize("delivery", ["durable", "direct"])
def test_order_over_two_sessions_of_the_sender(make_world, delivery):
    world = make_world(server_arguments=("--delivery", delivery)).start()
    bob = world.json("bob")
    alice = world.json("alice")
    world.api.signal(signal.SIGSTOP)
    alice.message("bob", "repeat", id="r1", resend=True)
    alice.ping()
    alice.close()
    while True:
        alice = world.connect_json()
        alice.send({"type": "login", "username": "alice"})
        if alice.recv(lambda frame: frame["type"] in ("login_success", "error"))["type"] == "login_success":
            break
        alice.expect_close()
    alice.message("bob", "new", id="n1")
    alice.ping()
    world.api.signal(signal.SIGCONT)
    bob.recv_message("new")
    assert [frame["message"] for frame in bob.frames if "destination" in frame] == ["repeat", "new"]
    alice.recv_receipt("n1", "stored")
