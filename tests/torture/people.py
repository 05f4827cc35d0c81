"""Everybody who chats: each kind of client, sending and receiving, and coming back whatever happens to it."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import time

import websockets
from websockets.asyncio.client import connect

from harness.process import clean_environment, dies_with_us, sanitizer_report
from ledger import Ledger, Message
from proxy import reset
from stage import Stage

WINDOW = 32  # messages on their way and not acknowledged
PROMPT = b"Enter your username: "
PASSING = ("store_unavailable", "disk_full", "busy", "mailbox_full", "rate_limited")
CHECK_FAILED = ("closed", "store_unavailable", "disk_full")  # the connection went, or the store
SILENCE = 3.0  # seconds between pings; after twice that without a byte the connection is given up

_serial = 0


def next_session() -> int:
    global _serial
    _serial += 1
    return _serial


class Person:
    """Comes online, goes on from its outbox, and again after every end of its connection, until stop()."""

    kind = ""
    says_resend = True

    def __init__(self, name: str, stage: Stage, ledger: Ledger, rng: random.Random):
        self.name = name
        self.stage = stage
        self.ledger = ledger
        self.rng = rng
        self.outbox: dict[str, Message] = {}
        self.online = False
        self.crashes = 0
        self.logins = 0
        self.waiting: int | None = None  # the answer to the last check
        self._held: list[tuple[str, str, str]] = []  # got is not said: sender, id, token
        self._absent_until = 0.0
        self._stopping = False
        self._task: asyncio.Task | None = None
        ledger.receiver(name, self.kind)

    def start(self):
        self._task = asyncio.create_task(self._live())

    async def _live(self):
        while not self._stopping:
            if time.monotonic() >= self._absent_until:
                try:
                    await self.one_session()
                except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, websockets.WebSocketException):
                    pass
                self.online = False
            await asyncio.sleep(self.rng.uniform(0.02, 0.25))

    async def one_session(self):
        raise NotImplementedError

    def submit(self, message: Message):
        message.says_resend = self.says_resend
        self.outbox[message.token] = message
        self.ledger.sends(message)
        self.wake()

    def wake(self):
        """There is something to send."""

    async def crash(self):
        """Ends the connection at once, as a crash would."""

    async def leave(self, seconds: float):
        self._absent_until = time.monotonic() + seconds
        await self.crash()

    def settle(self):
        """The end comes: says got for everything, and from now on at once."""

    def check(self):
        """Asks for what waits in the mailbox; `waiting` is the answer, None until it comes."""
        raise NotImplementedError

    async def stop(self):
        self._stopping = True
        await self.crash()
        await asyncio.wait_for(self._task, 30)


class FramePerson(Person):
    """What JSON sessions and browsers have in common: ids, receipts, got."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._written: set[str] = set()  # on this connection
        self.refused: set[str] = set()  # not in the outbox until they are sent again
        self._session = 0
        self._began = 0.0
        self._life = 0
        self._unsettled: list[tuple[str, str]] = []  # got is said, no ping behind it answered
        self._asked: list[list[tuple[str, str]]] = []  # the same, by ping under way
        self._settling = False

    # Each way to the server writes these in its own words.

    def put(self, frame: dict):
        raise NotImplementedError

    def message_frame(self, message: Message, again: bool) -> dict:
        raise NotImplementedError

    def begin(self):
        self._session = next_session()
        self._began = time.monotonic()
        self._life = self.ledger.server_life
        self._written.clear()
        self._unsettled, self._asked = [], []
        self._held.clear()
        self.online = True
        self.logins += 1
        self.ledger.note("login", who=self.name, session=self._session)
        self.wake()

    def wake(self):
        if not self.online:
            return
        under_way = len(self._written & self.outbox.keys())
        for token, message in list(self.outbox.items()):
            if under_way >= WINDOW:
                return
            if token in self._written:
                continue
            again = message.first_written > 0
            self.ledger.writes(message)
            self._written.add(token)
            under_way += 1
            self.put(self.message_frame(message, again))

    def take_receipt(self, frame: dict):
        message = self.ledger.messages.get((self.name, frame["id"]))
        if message is None:
            self.ledger.violations.append(f"{self.name} got a receipt for what it did not send: {frame}")
        elif frame["status"] != "rejected":
            self.outbox.pop(message.token, None)
            self.ledger.acknowledges(message, frame["status"])
            self.wake()
        else:
            self.outbox.pop(message.token, None)
            self.ledger.refuses(message, frame["code"])
            if frame["code"] in PASSING:
                self.refused.add(message.token)
                asyncio.get_running_loop().call_later(self.rng.uniform(0.1, 0.6), self._send_again, message)
            else:
                self.ledger.violations.append(f"{message.token} was refused for good: {frame}")

    def _send_again(self, message: Message):
        self.refused.discard(message.token)
        if not message.acknowledged:
            self._written.discard(message.token)
            self.outbox[message.token] = message
            self.wake()

    def take_message(self, frame: dict, stored: bool):
        sender, text = frame["sender"], frame["message"]
        key = sender, frame["id"], text.split(" ", 1)[0]
        self.ledger.arrives(self.name, sender, text, stored, self._session, self._began, self._life, frame["id"])
        chance = self.rng.random()
        if chance < 0.85 or self._settling:
            self._say_got(key)
            return
        self._held.append(key)
        if chance < 0.95:
            asyncio.get_running_loop().call_later(self.rng.uniform(0.01, 1.0), self._say_held_got, key, self._session)

    def _say_held_got(self, key: tuple[str, str, str], session: int):
        if session == self._session and key in self._held:
            self._held.remove(key)
            self._say_got(key)

    def _say_got(self, key: tuple[str, str, str]):
        sender, id, token = key
        if self.online:
            self._unsettled.append((sender, token))
            self.put({"type": "got", "sender": sender, "id": id})

    def settle(self):
        self._settling = True
        held, self._held = self._held, []
        for key in held:
            self._say_got(key)
        self.ping()

    def ping(self):
        if self.online:
            self._asked.append(self._unsettled)
            self._unsettled = []
            self.put({"type": "command", "command": "ping"})

    def take_ping(self):
        if self._asked:
            self.ledger.settles(self.name, self._asked.pop(0), self._life)

    def check(self):
        self.waiting = None
        if self.online:
            self.put({"type": "command", "command": "check"})


class JsonPerson(FramePerson):
    kind = "json"
    _writer: asyncio.StreamWriter | None = None

    def put(self, frame: dict):
        if self._writer is not None and not self._writer.transport.is_closing():
            self._writer.write(json.dumps(frame, ensure_ascii=False).encode() + b"\n")

    def message_frame(self, message: Message, again: bool) -> dict:
        frame = {"type": "chat", "id": message.token, "destination": message.destination, "message": message.text}
        return {**frame, "resend": True} if again and self.says_resend else frame

    async def one_session(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.stage.chat_port, limit=1 << 22)
        self._writer = writer
        try:
            self.put({"type": "login", "username": self.name})
            async with asyncio.timeout(2 * SILENCE):
                await reader.readexactly(len(PROMPT))
                frame = json.loads(await reader.readline() or b"{}")
            if frame.get("type") != "login_success":
                return
            self.begin()
            await self._read(reader)
        finally:
            self.online = False
            self._writer = None
            reset(writer.transport)

    async def _read(self, reader: asyncio.StreamReader):
        silent = 0
        while silent < 2:
            reading = asyncio.ensure_future(reader.readline())
            while not reading.done() and silent < 2:
                await asyncio.wait([reading], timeout=SILENCE)
                if not reading.done():
                    silent += 1
                    self.ping()
            if not reading.done():
                reading.cancel()
                return
            line = reading.result()
            if not line.endswith(b"\n"):
                return
            silent = 0
            self._take(json.loads(line))

    def _take(self, frame: dict):
        kind = frame["type"]
        if "destination" in frame and "sender" in frame:
            self.take_message(frame, frame.get("stored", False))
        elif kind == "receipt":
            self.take_receipt(frame)
        elif kind == "result" and frame["command"] == "ping":
            self.take_ping()
        elif kind == "result" and frame["command"] == "check":
            self.waiting = frame["stored"]

    async def crash(self):
        if self._writer is not None:
            self.crashes += 1
            reset(self._writer.transport)


class PlainPerson(JsonPerson):
    """Repeats without saying so, as a program may that somebody has written in an hour."""

    says_resend = False


class WebPerson(FramePerson):
    kind = "ws"
    _socket = None
    _queue: asyncio.Queue | None = None

    def put(self, frame: dict):
        if self._queue is not None:
            self._queue.put_nowait(frame)

    def message_frame(self, message: Message, again: bool) -> dict:
        frame = {"type": "chat", "id": message.token, "recipient": message.destination, "message": message.text}
        return {**frame, "resend": True} if again else frame

    async def one_session(self):
        url = f"ws://127.0.0.1:{self.stage.web_port}/ws"
        origin = f"http://127.0.0.1:{self.stage.web_port}"
        async with asyncio.timeout(2 * SILENCE):
            self._socket = await connect(url, origin=origin, max_size=1 << 22, ping_interval=None, close_timeout=1)
        self._queue = asyncio.Queue()
        writing = asyncio.create_task(self._write(self._socket, self._queue))
        try:
            self.put({"type": "login", "username": self.name, "got": True})
            await self._read(self._socket)
        finally:
            self.online = False
            self._queue = None
            writing.cancel()
            reset(self._socket.transport)

    async def _write(self, web_socket, queue: asyncio.Queue):
        try:
            while True:
                await web_socket.send(json.dumps(await queue.get(), ensure_ascii=False))
        except (OSError, websockets.WebSocketException):
            pass

    async def _read(self, web_socket):
        silent = 0
        while silent < 2:
            try:
                async with asyncio.timeout(SILENCE):
                    data = await web_socket.recv()
            except TimeoutError:
                silent += 1
                self.ping()
                continue
            silent = 0
            if not self._take(json.loads(data)):
                return

    def _take(self, frame: dict) -> bool:
        kind = frame["type"]
        if kind == "login_success":
            self.begin()
        elif kind in ("chat", "stored", "notification"):
            self.take_message(frame, kind == "stored")
        elif kind == "receipt":
            self.take_receipt(frame)
        elif kind == "system" and frame["command"] == "ping":
            self.take_ping()
        elif kind == "system" and frame["command"] == "check":
            self.waiting = frame["stored"]
        return kind != "error" or frame["code"] in PASSING

    async def crash(self):
        if self._socket is not None:
            self.crashes += 1
            reset(self._socket.transport)


class TextPerson(Person):
    """Somebody with netcat, straight on the server's port: what this socket has taken is what was shown.

    Its only acknowledgement is `Message saved.`, so that is asked for with one message at a time, to a name that is
    never online during the storm (`vault`); what it sends to others is not acknowledged to it by anything.
    """

    kind = "text"
    VAULT = "vault"
    _protocol = None

    async def one_session(self):
        loop = asyncio.get_running_loop()
        life = self.ledger.server_life
        _, protocol = await loop.create_connection(lambda: _TextProtocol(self, life), "127.0.0.1", self.stage.server_port)
        self._protocol = protocol
        await protocol.ended
        self._protocol = None

    def wake(self):
        if self.online and self._protocol is not None:
            self._protocol.send_next()

    def check(self):
        self.waiting = None
        if self.online and self._protocol is not None:
            self._protocol.check()

    async def crash(self):
        """With RST; but not before everything that the server has written is read. It is stopped for that moment."""
        protocol, daemon = self._protocol, self.stage.server
        if protocol is None or daemon.program is None or daemon.program.returncode is not None:
            return
        self.crashes += 1
        program = daemon.program
        program.signal(signal.SIGSTOP)
        try:
            for _ in range(500):
                if daemon.is_stopped():
                    break
                await asyncio.sleep(0.002)
            for _ in range(3):
                await asyncio.sleep(0.01)  # lets the loop read
            reset(protocol.transport)
        finally:
            if program.returncode is None:
                program.signal(signal.SIGCONT)

    async def stop(self):
        self._stopping = True
        if self._protocol is not None:
            self._protocol.transport.write_eof()
        await asyncio.wait_for(self._task, 30)


class _TextProtocol(asyncio.Protocol):
    _LINE = re.compile(r"(\[Stored\] \[CHAT\])?\[([^\]]*)\]\[([^\]]*)\] (.*)", re.DOTALL)
    _STORED = re.compile(r"\[Stored\] \[CHAT\]\[([^\]]*)\]\[([^\]]*)\] (.*)", re.DOTALL)

    def __init__(self, person: TextPerson, life: int):
        self._person = person
        self._life = life  # of the server, when the connection was asked for
        self._pending = b""
        self._prompted = False
        self._asked: Message | None = None  # `Message saved.` is awaited
        self._session = next_session()
        self._began = 0.0
        self.ended = asyncio.get_running_loop().create_future()
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        self._began = time.monotonic()

    def data_received(self, data: bytes):
        self._pending += data
        if not self._prompted and self._pending.startswith(PROMPT):
            self._prompted = True
            self._pending = self._pending[len(PROMPT) :]
            self.transport.write(self._person.name.encode() + b"\n")
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            self._take(line.decode())

    def _take(self, line: str):
        person = self._person
        if line.startswith("Connected! "):
            person.online = True
            person.logins += 1
            person.ledger.note("login", who=person.name, session=self._session)
            self.send_next()
        elif line.startswith("["):
            self._take_message(line)
        elif line == f"User '{person.VAULT}' is offline. Message saved.":
            self._answered("saved")
        elif line == f"Message to '{person.VAULT}' could not be saved. Try again later.":
            self._answered("")
        elif line == "No stored messages.":
            person.waiting = 0
        elif line == "Stored messages cannot be read now. Try again later.":
            person.waiting = 1  # or more, who knows

    def check(self):
        self.transport.write(b"!check\n")

    def _take_message(self, line: str):
        stored = self._STORED.fullmatch(line)
        if stored:
            self._person.waiting = 1  # as a check has no other answer then
        found = stored or self._LINE.fullmatch(line)
        if found is None:
            self._person.ledger.violations.append(f"{self._person.name} cannot read the line {line!r}")
            return
        sender = found.group(2)
        text = found.group(3) if stored else found.group(4)
        self._person.ledger.arrives(self._person.name, sender, text, bool(stored), self._session, self._began, self._life)

    def _answered(self, status: str):
        message, self._asked = self._asked, None
        if message is None:
            self._person.ledger.violations.append(f"{self._person.name} was told {status!r} of nothing")
        elif status:
            self._person.ledger.acknowledges(message, status)
        else:
            self._person.ledger.refuses(message, "")
        self.send_next()

    def send_next(self):
        person = self._person
        while person.outbox and self._asked is None and not self.transport.is_closing():
            message = person.outbox.pop(next(iter(person.outbox)))
            person.ledger.writes(message)
            self.transport.write(f"{message.destination}: {message.text}\n".encode())
            if message.destination == person.VAULT:
                self._asked = message

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_result(None)


class ClientPerson(Person):
    """The terminal client as a filter: `p2p-client --json --follow` with pipes."""

    kind = "client"
    kills = 0
    _process: asyncio.subprocess.Process | None = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._lines: list[Message | None] = []  # None: a command
        self._by_id: dict[str, Message] = {}  # of all its lives: receipts come to the name
        self.unanswered: set[str] = set()
        self.problems: list[str] = []
        self.log = self.stage.folder / f"{self.name}.log"

    async def one_session(self):
        argv = [self.stage.programs.path("p2p-client"), "--username", self.name, "--json", "--follow"]
        argv += ["--server-port", str(self.stage.chat_port)]
        self._lines, self.unanswered = [], set()
        with open(self.log, "ab") as log:
            self._process = process = await self._run(argv, log)
        session, began, life = next_session(), time.monotonic(), self.ledger.server_life
        while (line := await process.stdout.readline()).endswith(b"\n"):
            self._take(json.loads(line), session, began, life)
        status = await process.wait()
        self.online = False
        self._process = None
        if status not in (0, 1, 3, -9):
            self.problems.append(f"p2p-client ended with status {status}")

    async def _run(self, argv: list, log) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *dies_with_us(argv),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=clean_environment(),
            limit=1 << 22,
        )

    def _take(self, event: dict, session: int, began: float, life: int):
        kind = event["event"]
        if kind == "online":
            self.online = True
            self.logins += 1
            self.ledger.note("login", who=self.name, session=session)
            for token in self.unanswered:  # it sends them again now
                self.ledger.writes(self.ledger.messages[self.name, token])
            self.wake()
        elif kind == "message":
            self.ledger.arrives(self.name, event["sender"], event["message"], event["stored"], session, began, life, event["id"])
        elif kind == "checked":
            self.waiting = event["stored"]
        elif kind == "sent":
            self._by_id[event["id"]] = self._lines[event["line"] - 1]
        elif kind == "receipt":
            self._take_receipt(event)
        elif kind == "error" and event["code"] in CHECK_FAILED and self._lines and self._lines[-1] is None:
            self.waiting = 1  # or more, who knows
        elif kind == "error":
            self.problems.append(f"p2p-client says {event}")

    def _take_receipt(self, event: dict):
        message = self._by_id.get(event["id"])
        if message is None:
            return  # of a former life, killed before it could say what the id stands for
        self.unanswered.discard(message.token)
        if event["status"] == "rejected":
            self.ledger.refuses(message, event["code"])
        else:
            self.ledger.acknowledges(message, event["status"])

    def check(self):
        self.waiting = None
        if self.online and self.runs:
            self._lines.append(None)
            self._process.stdin.write(b"!check\n")

    def wake(self):
        process = self._process
        while self.online and self.outbox and process is not None and process.returncode is None:
            message = self.outbox.pop(next(iter(self.outbox)))
            self.ledger.writes(message)
            self._lines.append(message)
            self.unanswered.add(message.token)
            process.stdin.write(f"{message.destination}: {message.text}\n".encode())

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def crash(self):
        """SIGKILL."""
        if self.runs:
            self.kills += 1
            self.ledger.note("kill", target=self.name)
            self._signal(signal.SIGKILL)

    def _signal(self, number: int):
        """Process.kill() first looks whether it has ended, and then asyncio finds no exit status any more."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    async def stop(self):
        self._stopping = True
        if self.runs:
            self._signal(signal.SIGTERM)
        await asyncio.wait_for(self._task, 30)
        report = sanitizer_report(self.log.read_bytes())
        if report:
            self.problems.append(f"p2p-client: {report}")


KINDS = {"json": JsonPerson, "plain": PlainPerson, "ws": WebPerson, "text": TextPerson, "client": ClientPerson}
