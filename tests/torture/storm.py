"""One run: everybody chats while the schedule breaks things; then all is mended, and the ledger is balanced."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import schedule
from ledger import Ledger, Message, make_text
from people import KINDS, ClientPerson, JsonPerson, Person, TextPerson
from rest import Rest
from stage import Stage, wait_for

CREW = ("json", "json", "plain", "ws", "ws", "client", "client", "text", "text")


@dataclass(frozen=True)
class Options:
    store: str = "sqlite"
    delivery: str = "durable"
    messages: int = 500
    kills: int = 20
    seed: int = 1
    gap: float = 1.0  # seconds between two kills

    def __str__(self):
        return (
            f"--messages {self.messages} --kills {self.kills} --seed {self.seed} "
            f"--store {self.store} --delivery {self.delivery}"
        )


class LastLook(JsonPerson):
    """Comes once more under everybody's name, to see what still waits."""

    def take_receipt(self, frame: dict):
        was_client = self.ledger.receivers[self.name].kind == ClientPerson.kind
        if (self.name, frame["id"]) in self.ledger.messages or not was_client:
            super().take_receipt(frame)
        else:  # an id that only a terminal client knew, which was killed before it could tell
            self.ledger.note("receipt", sender=self.name, id=frame["id"], status=frame["status"])


class Storm:
    def __init__(self, binaries: Path, folder: Path, options: Options):
        self.options = options
        self.folder = folder
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.stage = Stage(binaries, folder, options.store, options.delivery)
        self.events = schedule.make(options.seed, options.kills, options.store == "mongodb", options.gap)
        self.done = Counter()
        self.problems: list[str] = []
        self.seconds = 0.0
        rng = random.Random(f"people {options.seed}")
        numbers = Counter()
        self.people: list[Person] = []
        for kind in CREW:
            numbers[kind] += 1
            self.people.append(self._person(KINDS[kind], f"{kind}{numbers[kind]}", rng))
        self.vault = self._person(JsonPerson, TextPerson.VAULT, rng)
        self.rest = Rest(self.ledger, self.people)

    def _person(self, kind: type, name: str, rng: random.Random) -> Person:
        return kind(name, self.stage, self.ledger, random.Random(rng.random()))

    # The messages

    def _destination(self, rng: random.Random, sender: Person) -> str:
        if rng.random() < (0.3 if sender.kind == "text" else 0.08):
            return self.vault.name
        others = [each for each in self.people if each is not sender]
        if not sender.says_resend:  # a text session could not tell its repeats
            others = [each for each in others if each.kind != "text"]
        return rng.choice(others).name

    async def _write_messages(self, pause: float):
        rng = random.Random(f"messages {self.options.seed}")
        numbers = Counter()
        for _ in range(self.options.messages):
            sender = rng.choice(self.people)
            numbers[sender.name] += 1
            token = f"{sender.name}-{numbers[sender.name]}"
            destination = self._destination(rng, sender)
            text = make_text(token, rng)
            sender.submit(Message(sender.name, token, destination, text, numbers[sender.name], sender.kind))
            await asyncio.sleep(rng.expovariate(1 / pause))

    # The faults

    async def _break_things(self):
        tasks = []
        start = time.monotonic()
        for number, event in enumerate(self.events):
            await asyncio.sleep(max(0.0, start + event.at - time.monotonic()))
            self.ledger.note("fault", event=str(event))
            rng = random.Random(f"{self.options.seed} {number}")
            tasks.append(asyncio.create_task(getattr(self, f"_{event.fault}")(event, rng)))
        await asyncio.gather(*tasks)

    async def _kill(self, event: schedule.Event, rng: random.Random):
        if event.target == "client":
            clients = [each for each in self.people if isinstance(each, ClientPerson)]
            await wait_for(lambda: any(each.runs for each in clients), "a terminal client runs")
            await rng.choice([each for each in clients if each.runs]).crash()
            return
        trouble = self.ledger.trouble_begins()
        on_kill = self.ledger.server_killed if event.target == "server" else lambda: None
        daemon = self.stage.daemons[event.target]
        await daemon.kill(event.seconds, on_kill)
        await daemon.wait_ready()
        self.ledger.trouble_ends(trouble)

    async def _with_trouble(self, work):
        trouble = self.ledger.trouble_begins()
        await work
        self.ledger.trouble_ends(trouble)

    async def _pause(self, event: schedule.Event, rng: random.Random):
        await self._with_trouble(self.stage.daemons[event.target].pause(event.seconds))

    async def _fill(self, event: schedule.Event, rng: random.Random):
        await self._with_trouble(self.stage.daemons["api"].fill_disk(event.seconds))

    async def _cut(self, event: schedule.Event, rng: random.Random):
        self.stage.proxies[event.target].cut(rng, event.share)
        self.done["cuts"] += 1

    async def _lose(self, event: schedule.Event, rng: random.Random):
        work = self.stage.proxies[event.target].lose(rng, event.share, event.direction, event.seconds)
        await self._with_trouble(work)
        self.done["half-open"] += 1

    async def _stall(self, event: schedule.Event, rng: random.Random):
        await self._with_trouble(self.stage.proxies[event.target].stall(event.seconds))

    async def _refuse(self, event: schedule.Event, rng: random.Random):
        await self._with_trouble(self.stage.proxies[event.target].refuse(event.seconds))

    async def _crash(self, event: schedule.Event, rng: random.Random):
        hit = [each for each in self.people if each.kind != "client" and rng.random() < event.share]
        await asyncio.gather(*(each.crash() for each in hit))

    async def _leave(self, event: schedule.Event, rng: random.Random):
        hit = [each for each in self.people if each.kind != "client" and rng.random() < event.share]
        await asyncio.gather(*(each.leave(event.seconds) for each in hit))

    # The whole

    async def run(self):
        start = time.monotonic()
        try:
            await self._run()
        finally:
            self.seconds = time.monotonic() - start
            self.ledger.close()
            self.stage.end_now()

    async def _run(self):
        await self.stage.start()
        watches = [asyncio.create_task(daemon.watch()) for daemon in self.stage.daemons.values()]
        for person in self.people:
            person.start()
        await wait_for(lambda: all(person.online for person in self.people), "everybody is online")
        length = self.events[-1].at if self.events else 1.0
        await asyncio.gather(self._break_things(), self._write_messages(length / self.options.messages))
        self.ledger.note("the storm is over")
        await self._come_to_rest()
        for watch in watches:
            watch.cancel()
        await self._leave_all()
        await self._look_again()
        self.problems += await self.stage.close()
        self.ledger.store_was_away((self.folder / "server.log").read_text(encoding="utf-8"))
        for person in self.people:
            self.problems += getattr(person, "problems", [])

    async def _come_to_rest(self):
        settling = asyncio.create_task(self.rest.say_every_got())
        still = frozenset([self.vault.name])
        await self.rest.wait(lambda: self.rest.is_calm(still), "everybody is online and everything acknowledged and shown")
        self.vault.start()
        await self.rest.wait(lambda: self.vault.online and self.rest.is_calm(), "the vault is read")
        settling.cancel()
        await self.rest.empty([*self.people, self.vault])

    async def _leave_all(self):
        for person in [*self.people, self.vault]:
            await person.stop()
        await self.stage.stop_programs()
        self.ledger.at_rest = True
        self.ledger.note("at rest")

    async def _look_again(self):
        """After a restart of everything, nothing waits for anybody."""
        await self.stage.start_programs()
        last = [LastLook(each.name, self.stage, self.ledger, random.Random(1)) for each in self.people]
        for person in last:
            person.start()
        await self.rest.wait(lambda: all(each.online for each in last), "everybody is online once more")
        await self.rest.empty(last)
        for person in last:
            await person.stop()

    # The result

    def wrong(self) -> list[str]:
        return self.ledger.finish() + self.rest.problems + self.problems

    def report(self) -> str:
        ledger = self.ledger
        kills = {name: daemon.kills for name, daemon in self.stage.daemons.items()}
        kills["client"] = sum(getattr(each, "kills", 0) for each in self.people)
        acknowledged = sum(1 for message in ledger.messages.values() if message.acknowledged)
        shown = sum(len(receiver.transcript) for receiver in ledger.receivers.values())
        faults = Counter(event.fault for event in self.events)
        crashes = sum(each.crashes for each in self.people)
        return (
            f"{self.options}: {len(ledger.messages)} sent, {acknowledged} acknowledged, {shown} shown; "
            f"lost {len(ledger.missing())}, doubled {len(ledger.doubled)}, out of order {len(ledger.disorders())}; "
            f"kills {sum(kills.values())} ({', '.join(f'{name} {count}' for name, count in kills.items())}); "
            f"faults {', '.join(f'{name} {faults[name]}' for name in sorted(faults) if name != 'kill')}; "
            f"{crashes} clients' crashes, {sum(each.logins for each in self.people)} logins; "
            f"came again as allowed: {dict(ledger.again) or 'none'}; {self.seconds:.0f} s"
        )
