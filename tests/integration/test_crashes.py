"""What the message API has answered is on disk and stays there: whatever call of it is the last one, whatever sync
fails, however full the disk is. P2P_KILL_EVERY=1 dies at every call, P2P_KILL_EVERY=7 at every seventh."""

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from http.client import HTTPException

import pytest

from harness import strace
from harness.disk import Disk, message
from harness.process import wait_until

POINTS = 8  # of each kind of call, by default
EVERY = int(os.environ.get("P2P_KILL_EVERY", "0"))

traced = pytest.mark.skipif(bool(strace.missing()), reason=strace.missing())


@pytest.fixture
def disk(programs, tmp_path):
    made = Disk(programs, tmp_path / "disk")
    yield made
    made.hang_up()


# Syncs


@traced
def test_nothing_is_answered_before_it_is_synced(disk):
    disk.start("-e", "trace=pwrite64,pwritev,write,fdatasync,fsync,sendmsg,sendto,writev").program.wait_ready()
    for i in range(15):
        assert disk.put(message(f"m{i}"), message(f"n{i}", "carol")) == (200, ["stored", "stored"])
        assert disk.ask("POST", "/messages/", message(f"o{i}"))[0] == 200
    epoch = disk.claim("bob")
    for i in range(15):
        assert disk.acknowledge("bob", epoch, f"m{i}", f"o{i}") == 200
        assert disk.ask("POST", "/v1/received", {"received": [{"sender": "alice", "ids": [f"r{i}"]}]})[0] == 200
    disk.program.stop()
    wait_until(lambda: "+++ exited" in disk.trace.read_text().splitlines()[-1], "the trace is whole")

    answers = written = synced = covered = 0  # in writes to the log: all, those on disk, those the sync is for
    for event in strace.events(disk.trace):
        wal = "messages.db-wal>" in event.text
        if wal and event.name.startswith("pwrite") and event.result is None:
            written += 1
        elif wal and event.name in ("fdatasync", "fsync"):
            if event.result is None:
                covered = written
            elif event.result == 0:
                synced = covered
        elif event.name in ("sendmsg", "sendto", "writev") and "<socket:" in event.text and event.result is None:
            answers += 1
            assert written == synced, (answers, event)
            assert answers == 1 or written > before, (answers, event)  # each of these requests changes something
            before = written
    assert answers == 61


@traced
def test_a_sync_that_fails(disk):
    """Nobody is told that it is stored, the file is opened anew, and then all goes on."""
    disk.start("-e", "trace=fdatasync,openat", "-e", "inject=fdatasync:error=EIO:when=15..80+7").program.wait_ready()
    refused = 0
    for i in range(40):
        while (answer := disk.put(message(f"m{i}")))[0] != 200:
            assert answer == (503, [])
            refused += 1
            assert refused < 100
    assert refused >= 2
    assert disk.program.stderr.count("store_failed") >= 1 and "store_recovered" in disk.program.stderr
    found = disk.mailbox("bob")
    assert [one["id"] for one in found] == [f"m{i}" for i in range(40)]

    failures = opened = 0
    for event in strace.events(disk.trace):
        if event.name == "fdatasync" and event.result == -1:
            failures += 1
        if failures and event.name == "openat" and 'messages.db"' in event.text and event.result is None:
            opened += 1
    assert failures >= refused and opened >= refused
    disk.kill()
    disk.start().program.wait_ready()
    assert [one["id"] for one in disk.mailbox("bob")] == [f"m{i}" for i in range(40)]


# Death at any call


class Exchange:
    """Always the same requests; notes what was answered."""

    def __init__(self, disk: Disk):
        self.disk = disk
        self.sent: set[str] = set()
        self.stored: set[str] = set()
        self.gone: set[str] = set()  # acknowledged, and that was answered
        self.may_be_gone: set[str] = set()
        self.epoch = 0
        self.whole = False

    def run(self):
        try:
            self.disk.program.wait_ready()
            for i in range(3):
                self._put(*(message(f"a{i}-{j}") for j in range(3)), message(f"c{i}", "carol"))
            self._post(message("b1"))
            self.epoch = self.disk.claim("bob")
            self._acknowledge("a0-0", "a1-1")
            self._put(message("b1"), message("b2", metadata={"replaces": "a0-2"}), replaced="a0-2")
            self._acknowledge("b1")
            self._read_all("carol")
            self._put(message("b3"), message("c9", "carol"))
            self.whole = True
        except (OSError, HTTPException):
            pass
        except AssertionError:
            wait_until(lambda: self.disk.program.returncode is not None, "it did not even begin")

    def _put(self, *messages: dict, replaced: str = ""):
        ids = {one["id"] for one in messages}
        self.sent |= ids
        self.may_be_gone |= {replaced} - {""}
        status, results = self.disk.put(*messages)
        assert status == 200 and set(results) <= {"stored", "duplicate"}
        self.stored |= ids
        self.gone |= {replaced} - {""}

    def _post(self, one: dict):
        self.sent.add(one["id"])
        assert self.disk.ask("POST", "/messages/", one) == (200, {"status": "stored", "id": one["id"]})
        self.stored.add(one["id"])

    def _acknowledge(self, *ids: str):
        self.may_be_gone |= set(ids)
        assert self.disk.acknowledge("bob", self.epoch, *ids) == 200
        self.gone |= set(ids)

    def _read_all(self, username: str):
        """What the client has read may count as read; what it could not read may not."""
        status, answer = self.disk.ask("GET", f"/messages/{username}")
        assert status == 200
        self.may_be_gone |= {one["id"] for one in answer["messages"]}

    def check(self):
        """With the program started anew; kills it."""
        found = Counter()
        for username in ("bob", "carol"):
            waiting = self.disk.mailbox(username)
            assert all(one["message"] == f"text of {one['id']}" for one in waiting)
            assert all(one["destination"] == username for one in waiting)
            seqs = [one["seq"] for one in waiting]
            assert seqs == sorted(set(seqs))
            found.update(one["id"] for one in waiting)
        assert set(found.values()) <= {1}, "a message is there twice"
        assert self.stored - self.may_be_gone <= set(found), "an answered message is lost"
        assert not self.gone & set(found), "an acknowledged message is there again"
        assert set(found) <= self.sent
        # Sent again, nothing is there twice.
        self._put(message("last"), *(message(one) for one in sorted(self.sent) if one[0] != "c"))
        assert {one["id"] for one in self.disk.mailbox("bob")} & self.gone == set()
        assert self.disk.claim("bob") > self.epoch
        self.disk.kill()
        with sqlite3.connect(self.disk.database) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database.close()


def points(most: int) -> list[int]:
    """1 to most, or some of them with the first and the last."""
    if EVERY or most <= POINTS:
        return list(range(1, most + 1, EVERY or 1))
    return sorted({1 + round(i * (most - 1) / (POINTS - 1)) for i in range(POINTS)})


@traced
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "ftruncate", "recvfrom", "sendmsg", "write", "openat"])
def test_death_at_any_call(programs, binaries, tmp_path, call):
    if b"__asan_init" in (binaries / "p2p-message-api").read_bytes():
        pytest.skip("a program that is killed has no report to make")
    first = Disk(programs, tmp_path / "first")
    whole = Exchange(first.start("--seccomp-bpf", "-e", f"trace={call}"))
    whole.run()
    first.hang_up()
    assert whole.whole
    first.program.stop()
    wait_until(lambda: "+++ exited" in first.trace.read_text().splitlines()[-1], "the trace is whole")
    calls = Counter(event.thread for event in strace.events(first.trace) if event.result is None)

    died = 0
    whens = points(max(calls.values()))
    for when in whens:
        disk = Disk(programs, tmp_path / f"disk{when}")
        exchange = Exchange(
            disk.start("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}")
        )
        exchange.run()
        disk.hang_up()
        if exchange.whole:
            disk.program.signal(signal.SIGTERM)  # it dies while it ends
        died += disk.program.wait_exit() == -signal.SIGKILL
        disk.start().program.wait_ready()
        exchange.check()
    assert died > len(whens) / 2  # how often it is called differs a little


# A full disk


@pytest.fixture
def small_disk(programs, tmp_path):
    """A disk of 48 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode('utf-8', 'replace')}")
    made = Disk(programs, folder)
    yield made
    if made.program is not None:
        made.kill()
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(small_disk):
    """507 when there is no room; what was answered is there, may be acknowledged, and makes the room for more."""
    disk = small_disk
    disk.start().program.wait_ready()
    text = "x" * 16000
    stored: dict[str, list[str]] = {}
    number = 0
    while True:
        username = f"user{number % 20}"
        batch = [message(f"m{number}-{i}", username, message=text) for i in range(32)]
        status, results = disk.put(*batch)
        if status != 200:
            break
        assert results == ["stored"] * 32
        stored.setdefault(username, []).extend(one["id"] for one in batch)
        number += 1
        assert number < 200
    assert status == 507 and number > 20
    assert disk.ask("POST", "/messages/", message("small"))[0] == 507
    status, problem = disk.ask("GET", "/health")
    assert status == 503 and problem["code"] == "disk_full" and "disk" in problem["detail"]

    # Death on top of it.
    disk.kill()
    disk.start().program.wait_ready()
    for username, ids in stored.items():
        assert [one["id"] for one in disk.mailbox(username)] == ids
    for username, ids in stored.items():
        epoch = disk.claim(username)
        for i in range(0, len(ids), 500):
            assert disk.acknowledge(username, epoch, *ids[i : i + 500]) == 200
        assert disk.mailbox(username) == []
    wait_until(lambda: disk.ask("POST", "/messages/", message("small"))[0] == 200, "there is room again")
    assert disk.ask("GET", "/health") == (200, {"status": "ok"})
    assert [one["id"] for one in disk.mailbox("bob")] == ["small"]
    disk.hang_up()
    disk.program.stop()
