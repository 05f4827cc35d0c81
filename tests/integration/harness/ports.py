"""Ports for programs that must come back on the same port after a restart.

Port 0 won't do for those: between the end of one process and the start of the next the kernel may give the port to
somebody else. These ports lie below the range from which the kernel takes ports by itself, and each one is reserved
for this process by an abstract Unix socket of its name, which vanishes with the process.
"""

import random
import socket

_LOWEST = 10240
_reserved: list[socket.socket] = []


def _highest() -> int:
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        return max(int(file.read().split()[0]), _LOWEST + 2000)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def reserve_port() -> int:
    """A port on 127.0.0.1 that no other test takes while this process lives."""
    highest = _highest()
    for _ in range(1000):
        port = random.randrange(_LOWEST, highest)
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0p2p-test-port-{port}")
        except OSError:
            lock.close()
            continue
        if _is_free(port):
            _reserved.append(lock)
            return port
        lock.close()
    raise RuntimeError("no free port")
