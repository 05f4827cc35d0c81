"""Everything has come to rest only when nothing waits for anybody any more."""

import asyncio
import json
import random

import pytest

import rest
from ledger import Ledger, Message
from people import FramePerson
from rest import Rest


class Owner:
    """Somebody whose mailbox holds so many messages at each check; None: no answer comes."""

    outbox: dict = {}
    online = True

    def __init__(self, name: str, *answers: int | None, on_check=lambda: None):
        self.name = name
        self.waiting = None
        self.checks = 0
        self._answers = list(answers)
        self._on_check = on_check

    def settle(self):
        pass

    def check(self):
        self.checks += 1
        self.waiting = self._answers.pop(0) if self._answers else 0
        self._on_check()


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    yield ledger
    ledger.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(rest, "ROUND", 0.05)
    monkeypatch.setattr(rest, "PATIENCE", 0.3)


def empty(ledger, *owners: Owner) -> list[str]:
    decision = Rest(ledger, list(owners))
    asyncio.run(asyncio.wait_for(decision.empty(list(owners)), 10))
    return decision.problems


def test_nothing_waits(ledger):
    owner = Owner("bob")
    assert empty(ledger, owner) == [] and owner.checks == 2


def test_something_comes_late(ledger):
    """A message without an acknowledgement is in no sum of the ledger's; the store may take it any time."""
    bob, carol = Owner("bob", 3, 0, 1), Owner("carol")
    assert empty(ledger, bob, carol) == []
    assert bob.checks == carol.checks == 5


def test_an_answer_that_was_lost_is_asked_for_again(ledger):
    owner = Owner("bob", None, 0, None)
    assert empty(ledger, owner) == [] and owner.checks == 5


def test_what_never_ends_is_a_problem(ledger):
    assert empty(ledger, Owner("bob", *[1] * 100000)) == ["the mailboxes are not empty: {'bob': 1}"]


def test_slow_is_no_problem(ledger):
    """As long as anything goes on: here for three times as long as nothing may."""

    def go_on():
        ledger.progress += 1

    owner = Owner("bob", *[None] * 18, on_check=go_on)
    assert empty(ledger, owner) == [] and owner.checks == 20


def test_a_wait_that_goes_on(ledger):
    decision = Rest(ledger, [])

    async def run(steps: int) -> bool:
        async def go_on():
            for _ in range(steps):
                await asyncio.sleep(0.1)
                ledger.progress += 1
            return True

        work = asyncio.create_task(go_on())
        return await decision.wait(lambda: work.done() and steps > 0, "the work is done")

    assert asyncio.run(run(9)) and decision.problems == []
    assert not asyncio.run(run(0)) and "nothing went on" in decision.problems[0]


def test_no_got_is_held_back_at_the_end(ledger):
    frames = []

    class Talker(FramePerson):
        kind = "json"
        online = True

        def put(self, frame: dict):
            frames.append(json.dumps(frame))

    bob = Talker("bob", None, ledger, random.Random(1))
    bob.online = True
    bob.settle()
    for number in range(100):
        message = Message("alice", f"a-{number}", "bob", f"a-{number}", number, "json")
        ledger.sends(message)
        bob.take_message({"sender": "alice", "id": message.token, "message": message.text}, False)
    assert sum('"got"' in frame for frame in frames) == 100
