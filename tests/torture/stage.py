"""The programs under the storm, each behind a proxy where another one reaches it over TCP."""

import asyncio
import os
import resource
import signal
import time
from pathlib import Path

from harness import mongodb
from harness.ports import reserve_port
from harness.process import DEADLINE, Program, Programs
from proxy import Proxy

_ROOT = Path(__file__).resolve().parents[2]


async def wait_for(condition, what: str, seconds: float = DEADLINE):
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.02)
    return result


class Daemon:
    """A program that is started again after each kill."""

    def __init__(self, programs: Programs, name: str, argv: list, environment: dict, cwd: Path, port: int):
        self._programs = programs
        self.name = name
        self._argv = argv
        self._environment = environment
        self._cwd = cwd
        self.port = port
        self.program: Program | None = None
        self.life = 0
        self.kills = 0
        self.problems: list[str] = []
        self._lock = asyncio.Lock()

    def start(self):
        self.life += 1
        # In the main thread: the program dies with the thread that started it.
        self.program = self._programs.start(*self._argv, environment=self._environment, cwd=self._cwd)

    async def wait_ready(self):
        """Until somebody answers on its port."""
        async with asyncio.timeout(DEADLINE):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                except OSError:
                    await asyncio.sleep(0.05)

    async def kill(self, pause: float, on_kill=lambda: None):
        async with self._lock:
            self._look()
            on_kill()
            self.kills += 1
            self.program.kill()
            self.problems += self._end(self.program)
            await asyncio.sleep(pause)
            self.start()

    def _end(self, program: Program) -> list[str]:
        problems = self._programs.end(program)
        with open(self._cwd / f"{self.name}.log", "a", encoding="utf-8") as log:
            log.write(f"--- life {self.life}, exit {program.returncode}\n{program.stderr}")
        self.program = None
        return problems

    async def pause(self, seconds: float):
        program = self.program
        if program is None or program.returncode is not None:
            return
        program.signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if program.returncode is None:
            program.signal(signal.SIGCONT)

    async def fill_disk(self, seconds: float):
        """No file may grow any more, nor be written to beyond its first page."""
        program = self.program
        if program is None or program.returncode is not None or "ready" not in program.stdout:
            return  # libraries write files before main(), and the signal would end the program then
        try:
            _, hard = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (4096, hard))
            await asyncio.sleep(seconds)
            resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (hard, hard))
        except (ProcessLookupError, ValueError):
            pass  # killed meanwhile; the next one starts without the limit

    def is_stopped(self) -> bool:
        try:
            stat = Path(f"/proc/{self.program.pid}/stat").read_text(encoding="ascii", errors="replace")
        except (OSError, AttributeError):
            return True
        return stat.rsplit(")", 1)[1].split()[0] in "TtZX"

    def _look(self):
        """Did it end by itself?"""
        if self.program is not None and self.program.returncode is not None and not self.program.exit_expected:
            self.problems.append(f"{self.name} ended by itself\n{self.program.describe()}")
            self.program.exit_expected = True
            self._end(self.program)
            self.start()

    async def watch(self):
        while True:
            async with self._lock:
                self._look()
            await asyncio.sleep(0.1)

    async def stop(self):
        """SIGTERM; it must exit with 0."""
        if self.program is not None:
            self.problems += await asyncio.to_thread(self._end, self.program)


class Stage:
    def __init__(self, binaries: Path, folder: Path, store: str, delivery: str):
        self.folder = folder
        self.programs = Programs(binaries, folder)
        self.daemons: dict[str, Daemon] = {}
        self.proxies: dict[str, Proxy] = {}
        environment = {"P2P_LOG_LEVEL": "info"}
        api_port, server_port, self.web_port = reserve_port(), reserve_port(), reserve_port()
        self.server_port = server_port
        if store == "mongodb":
            mongo_port = reserve_port()
            data = folder / "mongo"
            data.mkdir()
            self._add("mongo", mongodb.command(data, mongo_port), {}, data, mongo_port)
            environment["MONGO_URL"] = f"mongodb://127.0.0.1:{self.proxies['mongo'].port}"
        self._add("api", ["p2p-message-api", "--port", api_port], environment, folder, api_port)
        arguments = ["--port", server_port, "--delivery", delivery, "--rate-limit", 0]
        base = f"http://127.0.0.1:{self.proxies['api'].port}"
        self._add("server", ["p2p-server", *arguments, "--api-base", base], environment, folder, server_port)
        self.chat_port = self.proxies["server"].port
        arguments = ["--port", self.web_port, "--server-port", self.chat_port, "--static", _ROOT / "static"]
        self._add("adapter", ["p2p-ws-adapter", *arguments], environment, folder, self.web_port)

    def _add(self, name: str, argv: list, environment: dict, cwd: Path, port: int):
        self.daemons[name] = Daemon(self.programs, name, argv, environment, cwd, port)
        self.proxies[name] = Proxy(port)

    @property
    def server(self) -> Daemon:
        return self.daemons["server"]

    async def start(self):
        for proxy in self.proxies.values():
            await proxy.start()
        await self.start_programs()

    async def start_programs(self):
        for daemon in self.daemons.values():
            daemon.start()
            await daemon.wait_ready()

    async def stop_programs(self):
        for daemon in reversed(self.daemons.values()):
            await daemon.stop()

    async def close(self) -> list[str]:
        await self.stop_programs()
        for proxy in self.proxies.values():
            await proxy.stop()
        return [problem for daemon in self.daemons.values() for problem in daemon.problems]

    def end_now(self):
        """After a failure: whatever still runs is killed."""
        for daemon in self.daemons.values():
            if daemon.program is not None and daemon.program.returncode is None:
                os.kill(daemon.program.pid, signal.SIGCONT)
        self.programs.finish()
