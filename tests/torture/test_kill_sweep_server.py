"""The chat server is killed before every Nth system call of a fixed exchange, and the ledger is checked behind it.

strace counts each call by its name and sends SIGKILL on entering the Nth: so together the points cover every moment at
which the outside can tell one state of the server from another. By default some 40 points, other ones each time;
P2P_KILL_EVERY=1 takes them all (a few minutes), P2P_KILL_EVERY=7 every seventh.

The ledger: what was acknowledged was shown, what was shown was sent, and each message once, after dropping what the
receiver has seen already by its (sender, id), in the order in which it was sent.
"""

import collections
import importlib.util
import os
import random
import re
import shutil
import sys
from pathlib import Path

import pytest

_INTEGRATION = Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(_INTEGRATION))

from harness import mongodb  # noqa: E402
from harness.process import sanitizer_report, wait_until  # noqa: E402

_spec = importlib.util.spec_from_file_location("integration_conftest", _INTEGRATION / "conftest.py")
_integration = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_integration)
binaries = _integration.binaries
programs = _integration.programs
make_world = _integration.make_world
mongo = _integration.mongo

PARTS = 2  # for pytest-xdist
POINTS = 40  # of all parts together, by default
SAVED = "User 'carol' is offline. Message saved."


class Exchange:
    """Alice is a program that sends again what has no receipt, bob and carol are programs that say got, tom and tina
    people with netcat. Their names are new each time, so one store serves all rounds."""

    def __init__(self, world, round: int):
        self.world = world
        self.names = {name: f"{name}{round}" for name in ("alice", "bob", "carol", "tom", "tina")}
        self.clients: list = []
        self.raw: dict[str, list] = collections.defaultdict(list)  # the frames that came, by receiver
        self.lines = ""  # what tom has seen
        self.saved = 0  # tina's
        self.acknowledged: set[str] = set()  # alice's
        # What alice sends: id and receiver.
        self.sent = [("a1", "bob"), ("a2", "tom"), ("a3", "carol"), ("a4", "bob"), ("a5", "bob")]

    def login(self, name: str, kind: str = "json"):
        client = self.world.connect_json() if kind == "json" else self.world.connect_text()
        client.who = name
        self.clients.append(client)
        return client.login(self.names[name])

    def send(self, alice, id: str, **members):
        alice.message(self.names[dict(self.sent)[id]], f"text of {id}", id=id, **members)

    def expect_stored(self, alice, id: str):
        alice.recv_receipt(id, "stored")

    def collect(self):
        """Everything that came before the end."""
        for client in self.clients:
            while not client._ended and client._receive(0.2 if client.who == "tom" else 0.05):
                pass
            if hasattr(client, "frames"):
                self.raw[client.who] += client.frames
            elif client.who == "tom":
                self.lines += client.transcript
            else:
                self.saved += client.transcript.replace(self.names["carol"], "carol").count(SAVED)
            client.close()
        self.clients = []
        for frame in self.raw["alice"]:
            if frame.get("type") == "receipt" and frame["status"] in ("stored", "delivered"):
                self.acknowledged.add(frame["id"])

    def run(self):
        """The exchange; ends with an exception when the server dies."""
        alice, bob = self.login("alice"), self.login("bob")
        tom, tina = self.login("tom", "text"), self.login("tina", "text")
        for id in ("a1", "a2", "a3", "a4"):
            self.send(alice, id)
        tina.send(f"{self.names['carol']}: tina one\n{self.names['carol']}: tina two\n")
        for id in ("a1", "a4"):
            bob.got(bob.recv_message(f"text of {id}"))
        tom.expect_line("text of a2")
        for id in ("a1", "a2", "a3", "a4"):
            self.expect_stored(alice, id)
        tina.expect("Message saved.")
        tina.expect("Message saved.")
        for id in ("a1", "a2", "a4"):
            alice.recv_receipt(id, "delivered")
        carol = self.login("carol")
        for text in ("text of a3", "tina one", "tina two"):
            carol.got(carol.recv_message(text))
        alice.recv_receipt("a3", "delivered")
        self.send(alice, "a5")
        bob.recv_message("text of a5")
        self.expect_stored(alice, "a5")
        bob.command("check")
        bob.recv("result")
        tom.line("exit")
        tom.expect_close()

    def recover(self):
        """Everyone comes back to a server that lives, and does what a good client does."""
        alice = self.login("alice")
        self.repeat(alice, [id for id, _ in self.sent if id not in self.acknowledged])
        for name in ("bob", "carol"):
            client = self.login(name)
            self.check(client)
            for frame in [f for f in client.frames if "destination" in f]:
                client.got(frame)
            client.ping()
        tom = self.login("tom", "text")
        wait_until(lambda: self._has_nothing_stored(tom), "tom has got everything")

    def repeat(self, alice, ids: list[str]) -> list[dict]:
        """Gives the receipts."""
        for id in ids:
            self.send(alice, id, resend=True)
        return [alice.recv_receipt(id) for id in ids]

    def check(self, client):
        client.command("check")
        client.recv("result")

    def _has_nothing_stored(self, tom) -> bool:
        """A check that meets the login's own reading says nothing but what that brings."""
        tom.line("!check")
        try:
            return bool(tom.expect("No stored messages.", seconds=0.5))
        except AssertionError:
            assert not tom._ended, tom.transcript
            return False

    def is_empty(self):
        """Nobody has anything left."""
        for name in ("bob", "carol"):
            client = self.login(name)
            self.check(client)
            assert [f for f in client.frames if "destination" in f] == []
        tom = self.login("tom", "text")
        wait_until(lambda: self._has_nothing_stored(tom), "tom has nothing")
        assert "[Stored]" not in tom.transcript
        self.close()

    def close(self):
        for client in self.clients:
            client.close()
        self.clients = []

    def check_ledger(self):
        all_sent = {id for id, _ in self.sent}
        assert self.acknowledged == all_sent, "in the end everything of alice's is acknowledged"
        for name in ("bob", "carol"):
            seen, tina, known = [], [], set()
            for frame in self.raw[name]:
                if "destination" not in frame or (frame["sender"], frame["id"]) in known:
                    continue
                known.add((frame["sender"], frame["id"]))
                (seen if frame["sender"] == self.names["alice"] else tina).append(frame["message"])
            assert seen == [f"text of {id}" for id, receiver in self.sent if receiver == name], f"{name} from alice"
            if name == "carol":
                assert tina == ["tina one", "tina two"][: len(tina)] and len(tina) >= self.saved, f"{self.saved} saved"
        # Netcat cannot drop what it has shown: twice is possible when the server dies between, and then it says so.
        lines = re.findall(r"^(.*)\[[^]]*\]\[[^]]*\] text of a2$", self.lines, re.MULTILINE)
        assert 1 <= len(lines) <= 2 and (len(lines) == 1 or "[Stored]" in lines[1])


class Sweep:
    def __init__(self, world, programs, folder: Path):
        self.world = world
        self.programs = programs
        self.folder = folder
        self.round = 0

    def start_traced(self, *options):
        self.world.server = self.programs.start(
            shutil.which("strace"), "-f", "-q", *options, "--", self.programs.path("p2p-server"),
            *("--port", self.world.server_port, "--api-base", self.world.api_url),
            cwd=self.world.folder,
        )  # fmt: skip
        self.world.server.exit_expected = True

    def points(self) -> list[tuple[str, int]]:
        """Every call that the exchange makes, as (name, how many of this name since the start)."""
        log = self.folder / "calls"
        self.start_traced("-o", log)
        self.world.server.wait_ready()
        self.round += 1
        exchange = Exchange(self.world, self.round)
        exchange.run()
        exchange.close()
        self.world.kill_server()
        counts, points, ready = collections.Counter(), [], False
        for line in log.read_text().splitlines():
            call = re.match(r"\d+ +(\w+)\(", line)
            if not call:
                continue
            counts[call.group(1)] += 1
            if ready:
                points.append((call.group(1), counts[call.group(1)]))
            ready = ready or '"ready ' in line
        return points

    def kill_at(self, call: str, number: int):
        self.round += 1
        exchange = Exchange(self.world, self.round)
        self.start_traced("-o", "/dev/null", "--seccomp-bpf", "-e", f"trace={call}", "-e",
                          f"inject={call}:signal=SIGKILL:when={number}")  # fmt: skip
        self.world.server.wait_ready()
        try:
            exchange.run()
        except (AssertionError, OSError) as error:
            # A check that fails while the server lives is a finding.
            self.world.server.wait_exit(seconds=5)
            assert "not within" not in str(error), error
        assert not sanitizer_report(self.world.server.stderr.encode())
        self.world.kill_server()
        exchange.collect()
        self.world.start_server()
        exchange.recover()
        exchange.collect()
        self.world.restart_server()  # a clean stop takes along what was acknowledged
        exchange.is_empty()
        exchange.check_ledger()
        self.world.kill_server()


STORES = ["sqlite", "mongodb"] if "P2P_KILL_EVERY" in os.environ else ["sqlite"]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("store", STORES)
def test_server_is_killed_at_every_call(make_world, programs, tmp_path, request, store, part):
    if not shutil.which("strace"):
        pytest.skip("no strace in the path")
    environment = {}
    if store == "mongodb":
        if mongodb.missing():
            pytest.skip(mongodb.missing())
        environment["MONGO_URL"] = request.getfixturevalue("mongo").url
    world = make_world(environment=environment)
    world.start_api()
    sweep = Sweep(world, programs, tmp_path)
    points = sweep.points()
    assert len(points) > 100
    every = int(os.environ.get("P2P_KILL_EVERY") or max(1, len(points) // POINTS))
    chosen = points[random.randrange(every) :: every][part::PARTS]
    for call, number in chosen:
        try:
            sweep.kill_at(call, number)
        except AssertionError as error:
            raise AssertionError(f"killed before {call} number {number}: {error}") from error
