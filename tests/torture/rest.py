"""When everything has come to rest, so that what comes later comes again.

Calm: everybody is online, every message that will have an acknowledgement has one, and all of those are shown. That is
not all: a message whose sender has no receipt (text sessions, a terminal client that was killed before) may still be on
its way to a mailbox. So everybody who can says that it has what it was shown, and asks what still waits, until the
answer is nothing, twice running, for all in one round.

A store may be slow: nobody is given up as long as anything goes on.
"""

import asyncio
import time

from ledger import Ledger
from people import Person

PATIENCE = 60.0  # seconds in which nothing goes on; the terminal client waits up to 10 s between two tries
ROUND = 15.0  # seconds for everybody's answer; then all are asked again: who lost its connection, lost its question
QUIET = 2  # rounds


class Rest:
    def __init__(self, ledger: Ledger, people: list[Person]):
        self.problems: list[str] = []
        self._ledger = ledger
        self._people = people

    def is_calm(self, leave_out: frozenset = frozenset()) -> bool:
        for each in self._people:
            if not each.online or each.outbox or getattr(each, "unanswered", None) or getattr(each, "refused", None):
                return False
        return not self._ledger.missing(leave_out)

    async def wait(self, condition, what: str) -> bool:
        """False, and a problem, when it did not come. What is lost by that is in the ledger's sums, too."""
        seen, end = -1, 0.0
        while not condition():
            if self._ledger.progress != seen:
                seen, end = self._ledger.progress, time.monotonic() + PATIENCE
            elif time.monotonic() > end:
                waiting = {each.name: len(each.outbox) for each in self._people if each.outbox or not each.online}
                self.problems.append(f"nothing went on for {PATIENCE:.0f} s: {what}; still waiting: {waiting}")
                return False
            await asyncio.sleep(0.02)
        return True

    async def say_every_got(self):
        """Until it is cancelled. In direct mode a sender has no receipt before that."""
        while True:
            for person in self._people:
                person.settle()
            await asyncio.sleep(2)

    async def empty(self, people: list[Person]):
        quiet, end, seen = 0, 0.0, -1
        while quiet < QUIET:
            if self._ledger.progress != seen:
                seen, end = self._ledger.progress, time.monotonic() + PATIENCE
            elif time.monotonic() > end:
                left = {each.name: each.waiting for each in people if each.waiting != 0}
                self.problems.append(f"the mailboxes are not empty: {left}")
                return
            quiet = quiet + 1 if await self._ask(people) else 0

    async def _ask(self, people: list[Person]) -> bool:
        """One round. True when nothing waits for anybody."""
        for person in people:
            person.settle()
            person.check()
        end = time.monotonic() + ROUND
        while any(each.waiting is None for each in people) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return all(each.waiting == 0 for each in people)
