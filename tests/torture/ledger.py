"""The ledger: what was sent, what was acknowledged, what was shown, and the rules that must hold between them.

A message is known by (sender, token): the token is the first word of its text, and its id where the sender can choose
one. The text behind the token follows from it, so that a changed text is noticed.

acknowledged   a JSON, WebSocket or terminal client got the receipt `stored` or `delivered`; a text session read
               `User '…' is offline. Message saved.` (it then had only this one message to that name under way).
shown          the receiver has it in its transcript: a JSON session and a browser keep (sender, id) over all their
               connections and drop what comes again, as section 5 of the design says. For the terminal client it is a
               whole line in the pipe behind it. For a text session, `delivered` means that its TCP stack has
               acknowledged the bytes: so its transcript is everything that reached its socket, up to the end.

The rules:
1. acknowledged ⊆ shown. In both delivery modes: `stored` is on disk, `delivered` was seen. Nothing is said of messages
   without an acknowledgement; senders other than text sessions repeat them under the same id until they have one,
   so in the end all are acknowledged, unless the terminal client was killed before.
2. shown ⊆ sent, with the very text that was sent, and under one id: what a program repeats by itself is the same
   message. (Nobody here types a line again: that would be another message.)
3. Each is shown once. What comes again is allowed only where the receiver had no means to say that it has it, or the
   server no means to keep that:
   - never in one session, whatever happens behind the server, unless a sender repeats a message without saying that
     it does so ("resend") after the server was killed;
   - not in a later session either once the server has answered a `ping` behind the `got` — unless the server was
     killed after that (its acknowledgement may not have reached the disk);
   - a text session says no `got`: what was written to it may come again at its next login as long as the sender has
     not had `delivered`, and also after that if the server was killed;
   - never after everything has come to rest (rest.py): a last login of everybody, after a restart, finds nothing.
4. From one sender to one receiver, order is kept, as it was sent. A message that was refused, or whose refusal may have
   been lost with the connection (it was repeated, and the store was in trouble meanwhile), is out of its order by the
   sender's own doing. And nobody waits for the store to read a message: while that is away, people are handed what
   the server has in memory, also if it was sent before they came, and only later what waits for them on the disk.
5. `delivered` for a JSON session or a browser comes only after it was shown.
"""

import json
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

ON_THE_WAY = 3.0  # seconds for which a stalled connection may hold up a message


@dataclass
class Message:
    sender: str
    token: str
    destination: str
    text: str
    number: int  # of this sender: its order
    sender_kind: str
    acknowledged: str = ""  # the first acknowledgement
    delivered: float = 0.0
    refused: int = 0
    says_resend: bool = True  # when it is repeated
    lives: set[int] = field(default_factory=set)  # of the server, in which it was written
    first_written: float = 0.0
    last_written: float = 0.0
    id: str = ""  # as it was shown first, where the receiver is told


@dataclass
class Arrival:
    time: float
    session: int
    session_began: float
    stored: bool
    life: int  # the server's, when the session was asked for: what is read may be of a life that has ended since
    settled: int = 0  # the server's life in which got was known to be taken, 0 if never


@dataclass
class Receiver:
    kind: str
    transcript: list[Message] = field(default_factory=list)
    arrivals: dict[tuple[str, str], list[Arrival]] = field(default_factory=lambda: defaultdict(list))


class Ledger:
    def __init__(self, path: Path):
        self.messages: dict[tuple[str, str], Message] = {}
        self.receivers: dict[str, Receiver] = {}
        self.violations: list[str] = []
        self.doubled: list[str] = []
        self.again: dict[str, int] = defaultdict(int)  # allowed repeats, by reason
        self.server_life = 1
        self.at_rest = False
        self.progress = 0  # arrivals and acknowledgements so far
        self._troubles: list[list[float]] = []  # [begin, end] in which the store may have refused
        self._away: list[list[float]] = []  # the same, by the server's own log: it could not read the store
        self._file = open(path, "w", encoding="utf-8")
        self._start = time.monotonic()

    def note(self, what: str, **details):
        clock = time.strftime("%M:%S", time.gmtime()) + f"{time.time() % 1:.3f}"[1:]
        line = {"t": round(time.monotonic() - self._start, 4), "clock": clock, "what": what, **details}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self):
        self._file.close()

    def _wrong(self, sentence: str, message: Message | None = None):
        self.violations.append(sentence)
        self.note("WRONG", sentence=sentence, token=message.token if message else None)

    # What happens to the store and the server

    def trouble_begins(self) -> list[float]:
        self._troubles.append([time.monotonic(), float("inf")])
        return self._troubles[-1]

    def trouble_ends(self, trouble: list[float]):
        trouble[1] = time.monotonic() + 3  # until the server has noticed

    def store_was_away(self, log: str):
        """Adds the times at which the server had no store, by its own log: a store may also be slow by itself."""
        to_monotonic = time.monotonic() - time.time()
        trouble, new_life = None, True
        for line in log.splitlines():
            if line.startswith("--- life"):
                new_life = True
                continue
            stamp, _, event = line.partition(" ")
            try:
                now = datetime.fromisoformat(stamp).timestamp() + to_monotonic
            except ValueError:
                continue  # not a line of the log
            if trouble and (new_life or " store_back " in event):
                trouble[1], trouble = now, None
            if not trouble and " store_away " in event:
                trouble = [now - 0.1, float("inf")]  # it is noticed a little earlier than it is logged
                self._troubles.append(trouble)
                self._away.append(trouble)
            new_life = False

    def server_killed(self):
        self.server_life += 1

    # Senders

    def sends(self, message: Message):
        self.messages[message.sender, message.token] = message

    def writes(self, message: Message):
        message.last_written = time.monotonic()
        message.first_written = message.first_written or message.last_written
        message.lives.add(self.server_life)
        self.note("write", sender=message.sender, token=message.token, to=message.destination)

    def acknowledges(self, message: Message, status: str):
        message.acknowledged = message.acknowledged or status
        self.progress += 1
        self.note("receipt", sender=message.sender, token=message.token, status=status)
        if status != "delivered" or message.delivered:
            return
        message.delivered = time.monotonic()
        receiver = self.receivers.get(message.destination)
        if receiver and receiver.kind in ("json", "ws") and not receiver.arrivals.get((message.sender, message.token)):
            self._wrong(f"{message.token} is `delivered`, and {message.destination} has not seen it", message)

    def refuses(self, message: Message, code: str):
        message.refused += 1
        self.note("refused", sender=message.sender, token=message.token, code=code)

    # Receivers

    def receiver(self, name: str, kind: str) -> Receiver:
        return self.receivers.setdefault(name, Receiver(kind))

    def arrives(
        self, name: str, sender: str, text: str, stored: bool, session: int, session_began: float, life: int, id: str = ""
    ) -> bool:
        """True when it is new: shown. The arrival is arrivals[…][-1]. id: "" where the receiver is not told."""
        receiver = self.receivers[name]
        token = text.split(" ", 1)[0]
        message = self.messages.get((sender, token))
        self.progress += 1
        self.note("arrival", receiver=name, sender=sender, token=token[:80], stored=stored, session=session, id=id)
        if message is None or message.destination != name:
            self._wrong(f"{name} was shown what nobody sent: {sender}: {text[:100]!r}")
            return False
        if message.text != text:
            self._wrong(f"{name} was shown {token} with another text: {text[:200]!r}", message)
        message.id = message.id or id
        if id and message.id != id:
            self._wrong(f"{name} was shown {token} under another id: {message.id}, {id}", message)
        former = receiver.arrivals[sender, token]
        arrival = Arrival(time.monotonic(), session, session_began, stored, life)
        if self.at_rest:
            self._wrong(f"{token} came to {name} after everything had come to rest, {len(former) + 1}. time", message)
        elif former:
            self._judge_repeat(name, receiver, message, former, arrival)
        former.append(arrival)
        if len(former) == 1:
            receiver.transcript.append(message)
        return len(former) == 1

    def _judge_repeat(self, name: str, receiver: Receiver, message: Message, former: list[Arrival], now: Arrival):
        last = former[-1]
        killed = self.server_life != last.life
        unsaid = not message.says_resend and len(message.lives) > 1
        settled = any(arrival.settled == self.server_life for arrival in former)
        known = receiver.kind == "text" and message.delivered and message.delivered < now.session_began and not killed
        if last.session == now.session and not unsaid:
            why = "in one session"
        elif settled and not unsaid:
            why = "after the server had taken its got"
        elif known:
            why = "after `delivered`"
        else:
            kind = "text" if receiver.kind == "text" else "unsaid" if unsaid else "unsettled"
            self.again[f"{kind}{' killed' if killed else ''}"] += 1
            return
        self.doubled.append(f"{message.token} came to {name} again {why}")
        self._wrong(self.doubled[-1], message)

    def settles(self, name: str, keys: list[tuple[str, str]], life: int):
        """The server has answered a ping behind the got of these."""
        self.note("settled", receiver=name, tokens=[token for _, token in keys], life=life, now=self.server_life)
        if life != self.server_life:
            return
        for key in keys:
            self.receivers[name].arrivals[key][-1].settled = life

    # The sums

    def missing(self, leave_out: frozenset = frozenset()) -> list[Message]:
        """Acknowledged and not shown."""
        return [
            message
            for key, message in self.messages.items()
            if message.acknowledged
            and message.destination not in leave_out
            and not self.receivers[message.destination].arrivals.get(key)
        ]

    def _may_be_refused(self, message: Message) -> bool:
        if message.first_written == message.last_written:
            return False
        return any(begin < message.last_written and end > message.first_written for begin, end in self._troubles)

    def _was_read_later(self, receiver: Receiver, message: Message, before: Message) -> bool:
        """Did the message wait on the disk when the one before it came from memory, without the disk?"""
        first = receiver.arrivals[message.sender, message.token][0]
        other = receiver.arrivals[before.sender, before.token][0]
        times = [(begin, end + ON_THE_WAY) for begin, end in self._away]
        if not other.stored:  # else only the server itself can say that it had no store
            times += self._troubles
        return first.stored and any(begin < other.time < end for begin, end in times)

    def disorders(self) -> list[str]:
        found = []
        for name, receiver in self.receivers.items():
            highest: dict[str, Message] = {}
            for message in receiver.transcript:
                if message.refused or not message.acknowledged:
                    continue
                before = highest.get(message.sender)
                if before is None or message.number > before.number:
                    highest[message.sender] = message
                elif self._may_be_refused(message) and before.first_written < message.last_written:
                    continue
                elif not self._was_read_later(receiver, message, before):
                    found.append(f"{name}: {before.token} came before {message.token}")
        return found

    def finish(self) -> list[str]:
        """All that is wrong."""
        lost = [f"lost: {m.token} ({m.acknowledged}, {m.sender_kind}) to {m.destination}" for m in self.missing()]
        return lost + self.disorders() + self.violations


def make_text(token: str, rng) -> str:
    """A text that follows from its token and its length."""
    length = rng.choice((0, 20, 20, 60, 60, 200, 1000)) if rng.random() < 0.98 else rng.randrange(4000, 14000)
    pattern = f"{zlib.crc32(token.encode()):08x} grüße, \"quoted\" \\ back "
    return (token + " " + (pattern * (length // len(pattern) + 1))[:length]).rstrip()
