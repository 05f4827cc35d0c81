"""The harness notices what it must notice: a program that dies, that doesn't stop, that a sanitizer complains about."""

import shutil
import signal
import subprocess
import sys

import pytest

from harness import mongodb
from harness.ports import reserve_port
from harness.process import Programs, clean_environment, process_is_gone, wait_until

_READY = "print('ready host=h port=7', flush=True); signal.pause()"


def start(programs: Programs, code: str):
    return programs.start(sys.executable, "-u", "-c", code)


@pytest.fixture
def trial(tmp_path):
    """Programs whose faults are expected."""
    return Programs(tmp_path, tmp_path)


def test_clean_stop_is_no_problem(trial):
    program = start(trial, "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); " + _READY)
    assert program.wait_ready().port == 7
    assert trial.finish() == []
    assert program.returncode == 0


def test_unclean_stop_is_a_problem(trial):
    start(trial, "import signal; " + _READY).wait_ready()
    (problem,) = trial.finish()
    assert f"exit {-signal.SIGTERM}" in problem


def test_unexpected_end_is_a_problem(trial):
    start(trial, "print('ready', flush=True)").wait_ready()._process.wait()
    (problem,) = trial.finish()
    assert "ended unexpectedly" in problem


def test_sanitizer_report_is_a_problem(trial):
    program = start(trial, "import sys; print('==1==ERROR: AddressSanitizer: x', file=sys.stderr)")
    program.wait_exit(0)
    (problem,) = trial.finish()
    assert "sanitizer report" in problem


@pytest.mark.parametrize("setpriv", ["at once", "late"])
def test_death_of_the_tests_kills_the_program(tmp_path, setpriv):
    """Even when pytest itself is killed, nothing is left running; also when the program was not yet bound to it."""
    environment = clean_environment()
    if setpriv == "late":
        (tmp_path / "setpriv").write_text(f'#!/bin/sh\nsleep 0.3\nexec {shutil.which("setpriv")} "$@"\n')
        (tmp_path / "setpriv").chmod(0o755)
        environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    code = (
        "import os, sys; from pathlib import Path; from harness.process import Programs\n"
        "p = Programs(Path('/'), Path(sys.argv[1])).start('/bin/sleep', '600')\n"
        "print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    folder = __file__.rsplit("/", 1)[0]
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=folder, env=environment, capture_output=True, timeout=60
    )
    assert result.returncode == -signal.SIGKILL, result
    pid = int(result.stdout)
    wait_until(lambda: process_is_gone(pid), "the program is killed with the tests")


def test_ports_are_reserved_once():
    ports = [reserve_port() for _ in range(50)]
    assert len(set(ports)) == 50


@pytest.mark.skipif(bool(mongodb.missing()), reason=mongodb.missing() or "never")
def test_mongodb_server_keeps_its_data_over_a_restart(mongo):
    import pymongo

    with pymongo.MongoClient(mongo.url, serverSelectionTimeoutMS=20000) as client:
        client.messaging_db.messages.insert_one({"message": "kept"})
    mongo.stop()
    mongo.start()
    with pymongo.MongoClient(mongo.url, serverSelectionTimeoutMS=20000) as client:
        assert client.messaging_db.messages.find_one()["message"] == "kept"
