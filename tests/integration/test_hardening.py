"""What a release build is made of, and what the programs leave readable to others."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from harness.process import wait_until

PROGRAMS = (
    "p2p-message-api", "p2p-server", "p2p-client", "p2p-ws-adapter", "p2p-thermometer", "p2p-openai-bot", "p2p-launcher",
)  # fmt: skip
# Root, too, is then a user like others.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all") if os.geteuid() == 0 else ()
DAEMONS = [name for name in PROGRAMS if name not in ("p2p-client", "p2p-launcher")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_release_build_is_hardened(binaries, name):
    path = binaries / name
    content = path.read_bytes()
    if b"__asan_init" in content or b"__tsan_init" in content:
        pytest.skip("a sanitizer build")
    if not shutil.which("readelf"):
        pytest.skip("no readelf in the path")

    def readelf(*options: str) -> str:
        return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout

    assert "Position-Independent Executable" in readelf("-h")
    dynamic = readelf("-d")
    assert re.search(r"\(FLAGS_1\).* NOW\b.*\bPIE\b", dynamic)
    assert "(TEXTREL)" not in dynamic and "(RPATH)" not in dynamic and "(RUNPATH)" not in dynamic
    segments = readelf("-l")
    assert "GNU_RELRO" in segments
    flags = {line.split()[6] for line in segments.splitlines() if line.strip().startswith("GNU_STACK")}
    assert flags == {"RW"}, "the stack cannot be run"
    assert not re.search(r"^\s*LOAD\s.*\sRWE\s", segments, re.MULTILINE)
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols, "the stack is guarded"
    assert re.search(r"__\w+_chk@", symbols), "_FORTIFY_SOURCE"
    if os.uname().machine == "x86_64":  # CET: indirect jumps land on these; the C library decides whether it is checked
        assert content.count(b"\xf3\x0f\x1e\xfa") > 50


@pytest.fixture
def suite(world, programs, tmp_path):
    """A running program of each kind, all under a lax umask, in an own folder."""
    static = Path(__file__).resolve().parents[2] / "static"
    arguments = {
        "p2p-message-api": ("--port", 0),
        "p2p-server": ("--port", 0, "--api-base", world.api_url),
        "p2p-ws-adapter": ("--port", 0, "--server-port", world.server_port, "--static", static),
        "p2p-thermometer": ("--server-port", world.server_port, "--sensor", "simulated"),
        "p2p-openai-bot": ("--server-port", world.server_port, "--base-url", "http://127.0.0.1:1/v1"),
    }
    folder = tmp_path / "lax"
    folder.mkdir()
    return {
        name: programs.start(
            "/bin/sh", "-c", 'umask 0; exec "$@"', "sh", *UNPRIVILEGED, programs.path(name), *arguments[name],
            environment={"OPENAI_API_KEY": "sk-secret"} if "openai" in name else None, cwd=folder,
        ).wait_ready()
        for name in DAEMONS
    }  # fmt: skip


def test_no_core_and_no_look_inside(suite, world, programs):
    """A crash leaves no copy of what was in memory, and who runs as the same user cannot read it either."""
    client = programs.start(
        "/bin/sh", "-c", 'exec "$@"', "sh", *UNPRIVILEGED, programs.path("p2p-client"),
        "--server-port", world.server_port, "--username", "cleo", "--json", "--follow",
    )  # fmt: skip
    client.wait_output("cleo")
    other = programs.start("/bin/sh", "-c", 'exec "$@"', "sh", *UNPRIVILEGED, "sleep", "60")
    wait_until(lambda: not is_hidden(other.pid), "what does not hide can be seen")
    other.kill()
    for name, program in {**suite, "p2p-client": client}.items():
        limits = Path(f"/proc/{program.pid}/limits").read_text(encoding="ascii")
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), name
        if b"__asan_init" not in programs.path(name).read_bytes():  # it reads itself at its end
            assert is_hidden(program.pid), name
    client.close_stdin()


def is_hidden(pid: int) -> bool:
    """From somebody with the same user, and no privilege."""
    probe = subprocess.run([*UNPRIVILEGED, "cat", f"/proc/{pid}/environ"], capture_output=True, check=False)
    return probe.returncode != 0


def test_files_are_private_under_a_lax_umask(suite, world, tmp_path):
    folder = tmp_path / "lax"
    bob = world.json("bob")
    bob.message("thermometer1", "subscribe", id="s")
    bob.got(bob.recv(lambda f: f.get("sender") == "thermometer1" and f["type"] == "notification"))
    bob.message("openai", "personality angry", id="p")
    bob.got(bob.recv(lambda f: f.get("sender") == "openai" and "id" in f and "destination" in f))
    data = folder / "data"
    wait_until(lambda: len({path.name.split(".")[0] for path in data.iterdir()}) >= 3, "all have written")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.rglob("*"))}
    assert {oct(mode) for path, mode in modes.items() if path.is_dir()} == {"0o700"}, modes
    assert {oct(mode) for path, mode in modes.items() if not path.is_dir()} == {"0o600"}, modes
