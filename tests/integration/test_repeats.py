"""Senders that send again what had no receipt."""

import signal

import pytest


def login_again(world, username: str):
    """Logs in as soon as the server has noticed that the former connection is gone."""
    while True:
        client = world.connect_json()
        client.send({"type": "login", "username": username})
        if client.recv(lambda frame: frame["type"] in ("login_success", "error"))["type"] == "login_success":
            return client
        client.expect_close()


def messages(client) -> list[str]:
    """All that came, once the store is there and the mailbox is read."""
    while True:
        client.command("check")
        if client.recv(lambda frame: frame["type"] in ("result", "error"))["type"] == "result":
            return [frame["message"] for frame in client.frames if "destination" in frame]


@pytest.mark.parametrize("delivery", ["durable", "direct"])
def test_order_over_two_sessions_of_the_sender(make_world, delivery):
    """Nothing overtakes a repeat while the store is asked whether it is one."""
    world = make_world(server_arguments=("--delivery", delivery)).start()
    bob = world.json("bob")
    alice = world.json("alice")
    world.api.signal(signal.SIGSTOP)
    alice.message("bob", "repeat", id="r1", resend=True)
    alice.ping()
    alice.close()
    alice = login_again(world, "alice")
    alice.message("bob", "new", id="n1")
    alice.ping()
    world.api.signal(signal.SIGCONT)
    bob.recv_message("new")
    assert [frame["message"] for frame in bob.frames if "destination" in frame] == ["repeat", "new"]
    alice.recv_receipt("n1", "stored")


@pytest.mark.parametrize("store", ["slow", "away"])
def test_unsaid_repeat_in_direct_mode(make_world, store):
    """The first copy waits on the disk, the second one is received from memory: the first one is done with, too."""
    world = make_world(server_arguments=("--delivery", "direct")).start()
    alice = world.json("alice")
    alice.message("bob", "twice", id="t1")
    alice.recv_receipt("t1", "stored")
    world.kill_server()
    if store == "away":
        world.kill_api()
    world.start_server()
    if store == "slow":
        world.api.signal(signal.SIGSTOP)
    bob, alice = world.json("bob"), world.json("alice")
    alice.message("bob", "twice", id="t1")
    alice.ping()
    if store == "slow":
        world.api.signal(signal.SIGCONT)
    bob.got(bob.recv_message("twice"))
    alice.recv_receipt("t1", "delivered")
    if store == "away":
        world.start_api()
    assert messages(bob) == ["twice"]
    bob.close()
    assert messages(login_again(world, "bob")) == []
