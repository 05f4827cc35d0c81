"""A TCP proxy that fails on request: it cuts connections with RST, holds all bytes back for a while, throws away what
passes in one or both directions (a half-open connection), or refuses new connections."""

import asyncio
import random
import socket

from harness.ports import reserve_port

CHUNK = 65536


def reset(transport: asyncio.BaseTransport):
    """Closes a connection with RST, as the crash of a machine would; what is not yet written is lost."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    transport.abort()


class _Link:
    def __init__(self, proxy: "Proxy", near: tuple, far: tuple):
        self._proxy = proxy
        self._near_reader, self._near = near
        self._far_reader, self._far = far
        self.lost = {"up": False, "down": False}

    async def run(self):
        pumps = [
            asyncio.create_task(self._pump("up", self._near_reader, self._far)),
            asyncio.create_task(self._pump("down", self._far_reader, self._near)),
        ]
        try:
            await asyncio.gather(*pumps)
        except OSError:
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            self.cut()

    async def _pump(self, direction: str, reader, writer):
        while True:
            data = await reader.read(CHUNK)
            await self._proxy.flow.wait()
            if self.lost[direction]:
                if not data:
                    return  # nobody on the other side learns of it, until the cut
            elif not data:
                writer.write_eof()
                return
            else:
                writer.write(data)
                await writer.drain()

    def cut(self):
        reset(self._near.transport)
        reset(self._far.transport)


class Proxy:
    """Listens on `port` and leads to the target. Every fault ends by itself or by heal()."""

    def __init__(self, target_port: int):
        self.port = reserve_port()
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task] = set()
        self._refusing = 0
        self._stalling = 0
        self.flow = asyncio.Event()
        self.flow.set()

    async def start(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            if self._refusing:
                reset(writer.transport)
                return
            try:
                far = await asyncio.open_connection("127.0.0.1", self._target_port)
            except OSError:
                reset(writer.transport)
                return
            link = _Link(self, (reader, writer), far)
            self._links.add(link)
            try:
                await link.run()
            finally:
                self._links.discard(link)
        except asyncio.CancelledError:
            reset(writer.transport)
        finally:
            self._tasks.discard(task)

    # Faults. `share` is how many of the open connections are hit, 0 to 1.

    def _some(self, rng: random.Random, share: float) -> list[_Link]:
        return [link for link in list(self._links) if rng.random() < share]

    def cut(self, rng: random.Random, share: float):
        for link in self._some(rng, share):
            link.cut()

    async def lose(self, rng: random.Random, share: float, direction: str, seconds: float):
        """The bytes of a direction ("up", "down", "both") vanish; then the connections are cut."""
        hit = self._some(rng, share)
        for link in hit:
            for each in ("up", "down") if direction == "both" else (direction,):
                link.lost[each] = True
        await asyncio.sleep(seconds)
        for link in hit:
            link.cut()

    async def stall(self, seconds: float):
        self._stalling += 1
        self.flow.clear()
        await asyncio.sleep(seconds)
        self._stalling -= 1
        if self._stalling == 0:
            self.flow.set()

    async def refuse(self, seconds: float):
        self._refusing += 1
        for link in list(self._links):
            link.cut()
        await asyncio.sleep(seconds)
        self._refusing -= 1

    async def stop(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
