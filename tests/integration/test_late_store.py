"""The store does what it was told, but late: when the server has given that up, or knows more than then."""

import pytest
from harness.process import wait_until
from harness.store_between import StoreBetween
from test_delivery import login_again, waiting


@pytest.fixture
def between(make_world):
    """Its `world` has it between server and API."""
    world = make_world()
    world.start_api()
    made = StoreBetween(world.api_port)
    made.world = world
    world.api_url = f"http://127.0.0.1:{made.port}"
    world.start_server()
    yield made
    made.close()


def away(world) -> int:
    return world.server.stderr.count(" store_away ")


def test_a_put_that_comes_after_the_message_was_received(between):
    """As from a message API that was killed while its database was slow: it is no new message then."""
    world = between.world
    alice, bob = world.json("alice"), world.json("bob")
    assert waiting(bob) == []
    between.delay("/v1/messages")
    alice.message("bob", "late", id="l1")
    frame = bob.recv_message("late")
    wait_until(lambda: between.delayed and away(world), "the put is on its way, and nobody knows where")
    bob.got(frame)
    alice.recv_receipt("l1", "delivered")
    wait_until(
        lambda: {"/v1/received", "/v1/acknowledgements"} & set(between.paths),
        "the store is told that it was received",
    )
    between.arrive()
    assert [frame["status"] for frame in alice.frames if frame["type"] == "receipt"] == ["delivered"]
    world.restart_server()  # it knows nothing by itself
    assert waiting(world.json("bob")) == []


def test_a_put_that_came_before_the_message_was_received(between):
    """The same, but the message is in the mailbox by then, and has to be acknowledged there."""
    world = between.world
    alice, bob = world.json("alice"), world.json("bob")
    assert waiting(bob) == []
    between.delay("/v1/messages")
    between.hold("/health")
    alice.message("bob", "late", id="l1")
    frame = bob.recv_message("late")
    wait_until(lambda: between.delayed and away(world), "the put is on its way, and nobody knows where")
    between.arrive()
    bob.got(frame)
    alice.recv_receipt("l1", "delivered")
    between.let_go()
    wait_until(lambda: "/v1/acknowledgements" in between.paths, "the message is acknowledged")
    world.restart_server()
    assert waiting(world.json("bob")) == []


def test_a_repeat_whose_first_copy_was_received_before_the_store_has_answered(between):
    """The mailbox gives the first copy out while the put of the second one is under way; then its reader leaves."""
    world = between.world
    alice = world.json("alice")
    alice.message("bob", "twice", id="t1")
    alice.recv_receipt("t1", "stored")
    world.restart_server()
    alice = world.json("alice")
    between.hold("/v1/messages")
    alice.message("bob", "twice", id="t1", resend=True)
    wait_until(lambda: between.held, "the store has answered")
    bob = world.json("bob")
    bob.got(bob.recv_message("twice"))
    bob.ping()
    bob.close()
    bob = login_again(world, "bob")
    between.let_go()
    alice.recv_receipt("t1", "stored")
    wait_until(lambda: "/v1/acknowledgements" in between.paths, "the message is acknowledged")
    world.restart_server()
    assert waiting(world.json("bob")) == []
