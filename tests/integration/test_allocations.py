"""An allocation that fails costs a request or the program, and nothing that was answered: the message API, at the Nth
allocation of its start and of a fixed exchange. P2P_ALLOC_EVERY=1 takes every one, else some 40 of each. What peers
choose the size of must not end the program."""

import os
import random
import signal
import sqlite3
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPException

import pytest

from harness import preload
from harness.disk import Disk, message
from harness.process import wait_until

EVERY = int(os.environ.get("P2P_ALLOC_EVERY", "0"))
POINTS = 40
BIG = 16 * 1024  # bytes; what is bigger than the programs' own fixed sizes was chosen by a peer


def points(most: int) -> list[int]:
    every = EVERY or max(1, most // POINTS)
    return list(range(1 if EVERY == 1 else random.randint(1, every), most + 1, every))


@pytest.fixture
def disk(programs, binaries, tmp_path):
    why = preload.missing(binaries / "p2p-message-api")
    if why:
        pytest.skip(why)
    made = Disk(programs, tmp_path / "disk")
    yield made
    made.hang_up()


class Exchange:
    """Always the same requests to mailboxes of its own; any of them may be refused, or cut off."""

    def __init__(self, disk: Disk, number: int):
        self.disk = disk
        self.bob, self.carol = f"bob{number}", f"carol{number}"
        self.number = number
        self.sent: dict[str, str] = {}  # id to mailbox
        self.stored: set[str] = set()
        self.gone: set[str] = set()
        self.may_be_gone: set[str] = set()
        self.refusals = 0

    def run(self):
        self.disk.hang_up()
        epoch = None
        for i in range(2):
            self._put(self._message("a", i, self.bob), self._message("b", i, self.bob), self._message("c", i, self.carol))
        self._put(self._message("long", 0, self.carol, message="x" * 16000, metadata={"text": "y" * 8000}))
        with self._refusable():
            epoch = self.disk.claim(self.bob)
        if epoch:
            with self._refusable():
                self.disk.ask("GET", f"/v1/mailboxes/{self.bob}?epoch={epoch}&after=0")
            self._acknowledge(epoch, "a0", "b1")
        self._post(self._message("d", 0, self.bob))
        self._read_all(self.carol)
        with self._refusable():
            self.disk.ask("POST", "/v1/messages", {"messages": [{"id": "no sender"}]})
        with self._refusable():
            self.disk.ask("GET", "/health")

    @contextmanager
    def _refusable(self):
        try:
            yield
        except (OSError, HTTPException, AssertionError):  # it has died, hung up, or said no
            self.refusals += 1

    def _message(self, letter: str, i: int, destination: str, **members) -> dict:
        one = message(f"{letter}{i}", destination, **members)
        one["id"] += f"-{self.number}"
        self.sent[one["id"]] = destination
        return one

    def _put(self, *messages: dict):
        with self._refusable():
            status, results = self.disk.put(*messages)
            assert status == 200
            self.stored |= {one["id"] for one, result in zip(messages, results, strict=True) if result == "stored"}

    def _post(self, one: dict):
        with self._refusable():
            assert self.disk.ask("POST", "/messages/", one)[0] == 200
            self.stored.add(one["id"])

    def _acknowledge(self, epoch: int, *names: str):
        ids = {f"{name}-{self.number}" for name in names}
        self.may_be_gone |= ids
        with self._refusable():
            assert self.disk.acknowledge(self.bob, epoch, *ids) == 200
            self.gone |= ids

    def _read_all(self, username: str):
        """They are acknowledged behind the answer: so they may be, and may be not."""
        lost, mine = set(), {one for one, destination in self.sent.items() if destination == username}
        self.may_be_gone |= mine
        with self._refusable():
            status, answer = self.disk.ask("GET", f"/messages/{username}")
            assert status == 200
            lost = self.stored & mine - {one["id"] for one in answer["messages"]}
        assert not lost, "an answered message is lost"

    def check(self):
        found = Counter(one["id"] for name in (self.bob, self.carol) for one in self.disk.mailbox(name))
        assert set(found.values()) <= {1}, "a message is there twice"
        assert self.stored - self.may_be_gone <= set(found), "an answered message is lost"
        assert not self.gone & set(found), "an acknowledged message is there again"
        assert set(found) <= set(self.sent)


def check_file(disk: Disk):
    """With the program killed."""
    with sqlite3.connect(disk.database) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


def sweep(disk: Disk, allocations: preload.FailingAlloc, record) -> Counter:
    """How the rounds ended."""
    disk.start(environment=allocations.environment).program.wait_ready()
    ends, exchanges = Counter(), []
    for _ in range(2):  # the first one warms up
        before = allocations.count
        exchanges.append(Exchange(disk, len(exchanges)))
        exchanges[-1].run()
        assert exchanges[-1].refusals == 0
    most = allocations.count - before
    for number in points(most + most // 10):
        exchange = Exchange(disk, len(exchanges))
        exchanges.append(exchange)
        allocations.fail(number)
        exchange.run()
        if not allocations.end():
            ends["not reached"] += 1
        elif not alive(disk):
            assert disk.program.wait_exit() == -signal.SIGABRT, f"allocation {number}\n{disk.program.describe()}"
            disk.hang_up()
            disk.start(environment=allocations.environment).program.wait_ready()
            ends["ended"] += 1
        else:
            ends["refused" if exchange.refusals else "unnoticed"] += 1
        exchange.check()
    disk.kill()
    check_file(disk)
    disk.start().program.wait_ready()
    for exchange in exchanges:
        exchange.check()
    for name, value in {"allocations": most, **ends}.items():
        record(name, value)
    print(most, ends)
    return ends


def alive(disk: Disk) -> bool:
    """A program that was hung up by has a moment to die."""
    try:
        return disk.ask("GET", "/health")[0] in (200, 503)
    except (OSError, HTTPException):
        pass
    try:
        wait_until(lambda: disk.program.returncode is not None, "it dies", 1)
    except AssertionError:
        return True
    return False


@pytest.mark.timeout(0 if EVERY else 180)
def test_an_allocation_fails(disk, tmp_path, record_property):
    ends = sweep(disk, preload.FailingAlloc(tmp_path / "allocations"), record_property)
    assert sum(ends.values()) > 10 and ends["refused"]


def test_a_big_allocation_fails(disk, tmp_path, record_property):
    """A peer has chosen its size: it is refused, and the program lives."""
    ends = sweep(disk, preload.FailingAlloc(tmp_path / "allocations", BIG), record_property)
    assert ends["ended"] == 0


def test_an_allocation_fails_at_start(disk, tmp_path, record_property):
    """It starts all the same, or ends at once; what is on disk stays as it is."""
    allocations = preload.FailingAlloc(tmp_path / "allocations")
    disk.start(environment=allocations.environment).program.wait_ready()
    most = allocations.count
    assert disk.put(message("m1")) == (200, ["stored"])
    disk.kill()
    ends = Counter()
    for number in points(most):
        allocations.fail_from_start(number)
        program = disk.start(environment=allocations.environment).program
        wait_until(lambda: program.returncode is not None or "\nready " in "\n" + program.stdout, "it starts or ends")
        if program.returncode is None:
            ends["started"] += 1
        else:
            ends["ended"] += 1
            status = program.wait_exit()
            assert status in (-signal.SIGABRT, 1, 2), f"allocation {number}\n{program.describe()}"
        disk.kill()
    disk.start().program.wait_ready()
    assert [one["id"] for one in disk.mailbox("bob")] == ["m1"]
    record_property("allocations", most)
    print(most, ends)
