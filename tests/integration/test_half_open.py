"""A machine that vanishes without a word: everybody who has a connection to it notices within 60 s, and nothing that was
acknowledged is lost. Real networks between namespaces, and real time: one test for all of them at once."""

import contextlib
import json
import time
from pathlib import Path

import pytest

from harness import network
from harness.json_client import JsonClient
from harness.ports import reserve_port
from harness.process import wait_until
from harness.text_client import TextClient
from harness.web_client import WebClient

NOTICED = 60.0  # seconds
TOKEN = "a-token-of-the-services"
STATIC = Path(__file__).resolve().parents[2] / "static"


@pytest.fixture
def machines(binaries):
    if network.missing():
        pytest.skip(network.missing())
    if b"__asan_init" in (binaries / "p2p-server").read_bytes():
        pytest.skip("the same minute as in the release build")
    made = network.Machines()
    yield made
    made.close()


class Net:
    """Server, adapter and one message API here; another message API with its own server between the two machines; and
    people on both."""

    def __init__(self, programs, machines: network.Machines, folder: Path):
        self.programs = programs
        self.machines = machines
        self.folder = folder
        self.environment = {"P2P_SERVICE_TOKEN": TOKEN, "P2P_WEB_ORIGINS": "http://chat.example"}
        self.clients = []

    def start(self, name: str, *arguments, far: bool = False):
        command = self.machines.there_command if far else self.machines.here_command
        folder = self.folder / ("there" if far else "here")
        folder.mkdir(exist_ok=True)
        return self.programs.start(
            "/usr/bin/env", *command, self.programs.path(name), *arguments, environment=self.environment, cwd=folder
        )

    def connect(self, kind, port: int, username: str, far: bool = True):
        with self.machines.inside(far):
            client = kind(port, self.machines.here)
        self.clients.append(client)
        return client.login(username)

    def close(self):
        for client in self.clients:
            client.close()


@pytest.fixture
def net(programs, machines, tmp_path):
    made = Net(programs, machines, tmp_path)
    with contextlib.closing(made):
        yield made


class Page(WebClient):
    def __init__(self, port: int, host: str):
        super().__init__(port, host, origin="http://chat.example")


def closed(program, username: str) -> bool:
    return f'session_closed user="{username}"' in program.stderr


@pytest.mark.timeout(150)
def test_a_machine_vanishes(net, machines):
    here, there = machines.here, machines.there
    api = net.start("p2p-message-api", "--port", 0).wait_ready()
    server = net.start("p2p-server", "--host", here, "--port", 0, "--api-base", f"http://127.0.0.1:{api.port}").wait_ready()
    adapter = net.start(
        "p2p-ws-adapter", "--host", here, "--port", 0, "--server-host", here, "--server-port", server.port, "--static", STATIC
    ).wait_ready()
    far_port = reserve_port()
    far_api = net.start("p2p-message-api", "--host", there, "--port", far_port, far=True).wait_ready()
    split = net.start("p2p-server", "--host", here, "--port", 0, "--api-base", f"http://{there}:{far_port}").wait_ready()

    # Idle ones, one that is owed bytes of each kind, and a program whose server is far away.
    for kind, port, name in (
        (JsonClient, server.port, "idle_json"), (TextClient, server.port, "idle_text"), (Page, adapter.port, "idle_page"),
        (JsonClient, server.port, "owed_json"), (TextClient, server.port, "owed_text"), (Page, adapter.port, "owed_page"),
    ):  # fmt: skip
        net.connect(kind, port, name)
    client = net.start(
        "p2p-client", "--server-host", here, "--server-port", server.port, "--username", "cleo", "--json", "--follow", far=True
    )
    client.wait_output("cleo")
    alice = net.connect(JsonClient, server.port, "alice", far=False)
    sue = net.connect(JsonClient, split.port, "sue", far=False)
    sue.message("tim", "before", id="s1")
    sue.recv_receipt("s1", "stored")

    machines.cut()
    start = time.monotonic()
    owed = ("owed_json", "owed_text", "owed_page", "cleo")
    for name in owed:
        alice.message(name, f"for {name}", id=name)
    for name in owed:
        alice.recv_receipt(name, "stored")
    sue.message("tim", "during", id="s2")
    assert sue.recv_receipt("s2")["code"] == "store_unavailable"  # nobody waits for a store that does not answer
    assert time.monotonic() - start < 15

    gone = (*owed, "idle_json", "idle_text", "idle_page")
    noticed = {}

    def look() -> bool:
        for name in gone:
            if name not in noticed and closed(server, name):
                noticed[name] = time.monotonic() - start
        if "offline" not in noticed and '"offline"' in client.stdout:
            noticed["offline"] = time.monotonic() - start
        return len(noticed) == len(gone) + 1

    try:
        wait_until(look, "all are noticed", NOTICED + 5)
    finally:
        print(noticed)
    assert max(noticed.values()) < NOTICED, noticed

    # And all comes back.
    machines.mend()
    for kind, port, name in ((JsonClient, server.port, "owed_json"), (Page, adapter.port, "owed_page")):
        again = net.connect(kind, port, name)
        frame = again.recv_message(f"for {name}") if kind is JsonClient else again.recv(message=f"for {name}")
        assert frame.get("stored") is True or frame["type"] == "stored"
    net.connect(TextClient, server.port, "owed_text").expect_line("for owed_text")
    client.wait_output("for cleo")
    assert [json.loads(line).get("message") for line in client.stdout.splitlines()].count("for cleo") == 1

    def stored() -> bool:
        sue.message("tim", "after", id=f"s{time.monotonic_ns()}")
        return sue.recv(lambda f: f["type"] == "receipt")["status"] == "stored"

    wait_until(stored, "the store is back")
    tim = net.connect(JsonClient, split.port, "tim", far=False)
    assert tim.recv_message()["message"] == "before"
    assert far_api.returncode is None
