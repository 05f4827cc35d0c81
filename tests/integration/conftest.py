"""What every integration test can ask for. Programs come from P2P_BIN_DIR (default: build/bin)."""

import os
from pathlib import Path

import pytest
import requests

from harness import mongodb
from harness.process import Programs
from harness.world import World

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder with the built programs."""
    path = Path(os.environ.get("P2P_BIN_DIR", _ROOT / "build" / "bin")).resolve()
    assert path.is_dir(), f"{path}: build the programs first, or set P2P_BIN_DIR"
    return path


@pytest.fixture
def programs(binaries, tmp_path):
    """Starts programs in tmp_path. At the end each must stop cleanly on SIGTERM, without a sanitizer report."""
    started = Programs(binaries, tmp_path)
    yield started
    problems = started.finish()
    if problems:
        pytest.fail("\n\n".join(problems), pytrace=False)


@pytest.fixture
def make_world(programs, tmp_path):
    """make_world(api_arguments=(…), server_arguments=(…), environment={…}) → a World; call its start()."""
    worlds = []

    def make(**options) -> World:
        folder = tmp_path / f"world{len(worlds)}"
        folder.mkdir()
        worlds.append(World(programs, folder, **options))
        return worlds[-1]

    yield make
    for world in worlds:
        world.finish()


@pytest.fixture
def world(make_world) -> World:
    """Message API (SQLite) and chat server, running with default settings."""
    return make_world().start()


class Api:
    """The message API alone, and requests to it."""

    def __init__(self, world: World):
        self.world = world
        self.url = world.api_url

    def request(self, method: str, path: str, **options) -> requests.Response:
        return self.world.http(method, path, **options)

    def get(self, path: str, **options) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json=None, **options) -> requests.Response:
        return self.request("POST", path, json=json, **options)


@pytest.fixture
def api(make_world) -> Api:
    """The message API alone, on SQLite: api.get("/health"), api.post("/v1/claims", {…}); restart by api.world."""
    world = make_world()
    world.start_api()
    return Api(world)


@pytest.fixture
def mongo(programs, tmp_path):
    """A running server of MongoDB's protocol with an empty database."""
    why = mongodb.missing()
    if why:
        pytest.skip(why)
    return mongodb.MongoServer(programs, tmp_path / "mongo").start()


@pytest.fixture
def mongo_api(make_world, mongo) -> Api:
    """The message API alone, on MongoDB."""
    world = make_world(environment={"MONGO_URL": mongo.url})
    world.start_api()
    return Api(world)
