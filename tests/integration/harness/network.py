"""A second machine: a network namespace with a wire to ours, which can be cut so that nobody hears of it."""

import contextlib
import ctypes
import secrets
import subprocess

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """Why there can be none here, "" when there can."""
    try:
        probe = subprocess.run(
            ["unshare", "-n", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
            capture_output=True, timeout=30, check=False,
        )  # fmt: skip
    except OSError as error:
        return f"no network namespaces: {error}"
    return "" if probe.returncode == 0 else f"no network namespaces: {probe.stderr.decode('utf-8', 'replace')}"


class Machines:
    """`here` and `there` are the addresses of the two; both are namespaces of their own, so that nothing of the real
    machine is touched. Programs are started by `here_command` and `there_command` in front of their own command."""

    here, there = "10.99.0.1", "10.99.0.2"

    def __init__(self):
        name = f"p2p{secrets.token_hex(4)}"
        self._names = (f"{name}a", f"{name}b")
        a, b = self._names
        for one in self._names:
            self._ip("netns", "add", one)
        self._ip("-n", a, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", b)
        for one, address in ((a, self.here), (b, self.there)):
            self._ip("-n", one, "address", "add", f"{address}/24", "dev", "wire")
            self._ip("-n", one, "link", "set", "wire", "up")
            self._ip("-n", one, "link", "set", "lo", "up")
        # What is silent must be silent on the wire, too: nobody asks who has the address, and hears nothing.
        for one, other, address in ((a, b, self.there), (b, a, self.here)):
            self._ip("-n", one, "neighbour", "replace", address, "dev", "wire", "lladdr", self._mac(other))

    @property
    def here_command(self) -> list[str]:
        return ["ip", "netns", "exec", self._names[0]]

    @property
    def there_command(self) -> list[str]:
        return ["ip", "netns", "exec", self._names[1]]

    def cut(self):
        """The other machine is gone: no packet arrives any more, and none is answered."""
        self._ip("-n", self._names[1], "address", "delete", f"{self.there}/24", "dev", "wire")

    def mend(self):
        self._ip("-n", self._names[1], "address", "add", f"{self.there}/24", "dev", "wire")
        self._ip("-n", self._names[1], "neighbour", "replace", self.here, "dev", "wire", "lladdr", self._mac(self._names[0]))

    @contextlib.contextmanager
    def inside(self, far: bool):
        """Sockets that this thread opens meanwhile belong to that machine, and stay there."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{self._names[far]}", "rb") as away:
            self._enter(away.fileno())
            try:
                yield
            finally:
                self._enter(home.fileno())

    def close(self):
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], check=True)

    @staticmethod
    def _enter(descriptor: int):
        if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @staticmethod
    def _ip(*arguments: str) -> str:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def _mac(self, name: str) -> str:
        words = self._ip("-n", name, "-o", "link", "show", "dev", "wire").split()
        return words[words.index("link/ether") + 1]
