"""Options of the torture test."""

import os
import random
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_TESTS / "integration"))  # for the harness


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder with the built programs."""
    path = Path(os.environ.get("P2P_BIN_DIR", _TESTS.parent / "build" / "bin")).resolve()
    assert path.is_dir(), f"{path}: build the programs first, or set P2P_BIN_DIR"
    return path


def pytest_addoption(parser):
    parser.addoption("--messages", type=int, default=1000, help="messages of one run")
    parser.addoption("--kills", type=int, default=18, help="kills of one run")
    parser.addoption("--gap", type=float, default=1.0, help="seconds between two kills, in the mean")
    parser.addoption("--seed", type=int, help="of the schedule; default: another one each time")
    parser.addoption("--store", choices=("sqlite", "mongodb"), help="default: both")
    parser.addoption("--delivery", choices=("durable", "direct"), help="default: both")


def pytest_configure(config):
    # Chosen once, so that all workers of pytest-xdist agree on the names of the tests.
    if config.option.seed is None:
        config.option.seed = int(os.environ.get("P2P_TORTURE_SEED", random.randrange(1_000_000)))
        os.environ["P2P_TORTURE_SEED"] = str(config.option.seed)
