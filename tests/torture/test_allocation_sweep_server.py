"""The Nth allocation of the chat server fails, for each N of a fixed exchange, and the ledger is checked behind it. It
costs a session or the server, and nothing that was acknowledged. By default some 20 of them, other ones each time;
P2P_ALLOC_EVERY=1 takes every one, in parts that pytest -n runs side by side: most of it is waiting. What peers choose
the size of must not end the server."""

import collections
import contextlib
import os
import random
import signal
import time

import pytest
from test_kill_sweep_server import Exchange, binaries, make_world, programs  # noqa: F401

from harness import preload
from harness.process import wait_until

EVERY = int(os.environ.get("P2P_ALLOC_EVERY", "0"))
POINTS = 20
PARTS = 8 if EVERY == 1 else 1
# libcurl 7.88 divides by the size of a table that it could not make.
ENDS = (-signal.SIGABRT, -signal.SIGFPE)
BIG = 16 * 1024  # bytes; what is bigger than the server's own fixed sizes was chosen by a peer


class Refused(AssertionError):
    pass


class RefusableExchange(Exchange):
    """Ends as soon as anything is refused; what was refused is sent again, and comes behind what was not."""

    REFUSALS = ("could not be saved", "Disconnecting", "Try again later")

    def __init__(self, world, round: int):
        super().__init__(world, round)
        self.running = True
        self.refused = False

    def run(self):
        try:
            super().run()
        finally:
            self.running = False

    def expect_stored(self, alice, id: str):
        """What was received before the store was away for a moment is delivered, and need not be stored any more."""
        receipt = alice.recv_receipt(id)
        if receipt["status"] == "delivered":
            alice._waiting.append(receipt)

    # libcurl forgets a request when it has no memory for the list of its sockets: the store is away when that one's time
    # is over, five seconds later.

    def repeat(self, alice, ids: list[str]):
        while ids:
            ids = [receipt["id"] for receipt in super().repeat(alice, ids) if receipt["status"] == "rejected"]

    def check(self, client):
        def answered() -> bool:
            client.command("check")
            return client.recv(lambda frame: frame["type"] in ("result", "error"))["type"] == "result"

        wait_until(answered, "the mailbox can be read")

    def login(self, name: str, kind: str = "json"):
        if self.running:
            return self._login(name, kind)
        return wait_until(lambda: self._login_if_free(name, kind), f"{name}'s last session is gone")

    def _login(self, name: str, kind: str):
        client = self.world.connect_json() if kind == "json" else self.world.connect_text()
        client._receive = self._watch(client, client._receive)
        client.who = name
        self.clients.append(client)
        return client.login(self.names[name])

    def _login_if_free(self, name: str, kind: str):
        try:
            return self._login(name, kind)
        except AssertionError as error:
            if "taken" not in str(error):
                raise
            self.clients.pop().close()
            return None

    def _watch(self, client, receive):
        """Looks after the others, too: who is waited for may wait for somebody who was refused."""

        def watched(seconds: float) -> bool:
            end = time.monotonic() + seconds
            while self.running:
                if receive(min(0.2, end - time.monotonic())):
                    self._look(client)
                    return True
                if client._ended or time.monotonic() > end:
                    return False
                for other in self.clients:
                    if other is not client:
                        other.receive(0.001)
                        self._look(other)
            return receive(seconds)

        client.receive = receive
        return watched

    def _look(self, client):
        if hasattr(client, "frames"):
            bad = any(f["type"] == "error" or f.get("status") == "rejected" for f in client.frames)
        else:
            bad = any(words in client.transcript for words in self.REFUSALS)
        if bad or client._ended:
            self.refused = True
            raise Refused(f"{client.who} was refused")

    def check_ledger(self):
        if not self.refused:
            super().check_ledger()
            return
        assert self.acknowledged == {id for id, _ in self.sent}
        for name in ("bob", "carol"):
            seen = {f["id"]: f["message"] for f in self.raw[name] if f.get("sender") == self.names["alice"]}
            assert seen == {id: f"text of {id}" for id, receiver in self.sent if receiver == name}, name
        tina = {f["id"]: f["message"] for f in self.raw["carol"] if f.get("sender") == self.names["tina"]}
        assert self.saved <= len(tina) == len(set(tina.values())) <= 2
        assert "text of a2" in self.lines


class Sweep:
    def __init__(self, world, allocations: preload.FailingAlloc):
        self.world = world
        self.allocations = allocations
        self.round = 0
        self.ends = collections.Counter()

    def start(self):
        self.world.server = self.world.programs.start(
            "p2p-server", "--port", self.world.server_port, "--api-base", self.world.api_url,
            environment=self.allocations.environment, cwd=self.world.folder,
        ).wait_ready()  # fmt: skip

    def exchange(self) -> RefusableExchange:
        self.round += 1
        return RefusableExchange(self.world, self.round)

    def count(self) -> int:
        """The allocations of an exchange, of the second one: the first one warms up."""
        for _ in range(2):
            before = self.allocations.count
            exchange = self.exchange()
            exchange.run()
            exchange.close()
        return self.allocations.count - before

    def fail_at(self, number: int):
        exchange = self.exchange()
        self.allocations.fail(number)
        whole = False
        try:
            exchange.run()
            whole = True
        except (AssertionError, OSError) as error:
            assert "not within" not in str(error), error
        failed = self.allocations.end()
        if failed and self._has_died():
            assert self.world.server.wait_exit() in ENDS, self.world.server.describe()
            end = "ended"
        else:
            end = "not reached" if not failed else "unnoticed" if whole else "refused"
        exchange.collect()
        if end == "ended":
            self.start()
        wait_until(self._has_its_store, "the store is back")
        exchange.recover()
        exchange.collect()
        exchange.is_empty()
        exchange.check_ledger()
        self.ends[end] += 1

    def _has_its_store(self) -> bool:
        """A call that had no memory makes the store one that is away, for a moment."""
        return self.world.server.stderr.count(" store_away ") == self.world.server.stderr.count(" store_back ")

    def _has_died(self) -> bool:
        try:
            wait_until(lambda: self.world.server.returncode is not None, "it dies", 0.5)
        except AssertionError:
            return False
        return True


def points(most: int) -> list[int]:
    every = EVERY or max(1, most // POINTS)
    return list(range(1 if EVERY == 1 else random.randint(1, every), most + 1, every))


@pytest.fixture
def make_sweep(make_world, binaries, tmp_path):  # noqa: F811
    why = preload.missing(binaries / "p2p-server")
    if why:
        pytest.skip(why)

    def make(smallest: int = 0) -> Sweep:
        world = make_world()
        world.start_api()
        made = Sweep(world, preload.FailingAlloc(tmp_path / "allocations", smallest))
        made.start()
        return made

    return make


def run(sweep: Sweep, part: int, record) -> collections.Counter:
    most = sweep.count()
    for number in points(most + most // 10)[part::PARTS]:
        try:
            sweep.fail_at(number)
        except AssertionError as error:
            raise AssertionError(f"allocation {number} of {most}: {error}\n{sweep.world.server.describe()}") from error
    for name, value in {"allocations": most, **sweep.ends}.items():
        record(name, value)
    print(most, sweep.ends)
    return sweep.ends


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(0 if EVERY else 400)
def test_an_allocation_of_the_server_fails(part, make_sweep, record_property):
    ends = run(make_sweep(), part, record_property)
    assert ends["ended"] and ends["unnoticed"]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(0 if EVERY else 400)
def test_a_big_allocation_of_the_server_fails(part, make_sweep, record_property):
    ends = run(make_sweep(BIG), part, record_property)
    assert ends["ended"] == 0


def test_no_memory_to_print_a_message(make_sweep):
    """A text session's TCP has acknowledged all that was printed before: that is no sign that it has this one."""
    sweep = make_sweep()
    world, without = sweep.world, 0

    def send(round: int, number: int = 0) -> tuple:
        alice, tom = world.json(f"alice{round}"), world.text(f"tom{round}")
        alice.message(f"tom{round}", "before", id="before")
        tom.expect_line("before")
        alice.recv_receipt("before", "delivered")
        if number:
            sweep.allocations.fail(number)
        before = sweep.allocations.count
        alice.message(f"tom{round}", "message", id="message")
        return alice, tom, before

    for round in range(2):  # the first one warms up
        alice, tom, before = send(round)
        tom.expect_line("message")
        alice.recv_receipt("message", "delivered")
    for number in range(1, sweep.allocations.count - before + 1):
        alice, tom, _ = send(round + number, number)
        receipt = None
        with contextlib.suppress(AssertionError):  # a session may have ended, or the server
            receipt = alice.recv_receipt("message", seconds=1)
            tom.expect_line("message", seconds=1)
        if sweep.allocations.end() and sweep._has_died():
            assert world.server.wait_exit() in ENDS, world.server.describe()
            sweep.start()
        elif tom._ended and receipt and receipt["status"] == "stored":
            assert "message" not in tom.transcript
            without += 1
            world.text(f"tom{round + number}").expect_line("[Stored]")
    assert without
