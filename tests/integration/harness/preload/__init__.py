"""Faults that are put under a program by LD_PRELOAD: the Nth allocation fails, the wall clock is wrong, a read or write
takes one byte. The small libraries are built from the C files here when a test first asks for one."""

import functools
import mmap
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

_SANITIZERS = (b"__asan_init", b"__tsan_init")


def missing(binary: Path) -> str:
    """Why this program can't have a fault put under it, "" when it can."""
    if not shutil.which("cc"):
        return "no C compiler in the path"
    if any(name in binary.read_bytes() for name in _SANITIZERS):
        return "the sanitizer's own library must be the first one"
    return ""


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="p2p-preload-")  # goes with this process


@functools.cache
def library(name: str) -> Path:
    """The built library."""
    built = Path(_folder().name) / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(
        ["cc", "-O1", "-fno-builtin", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", built, source], check=True
    )
    return built


class _Shared:
    """A file of 64-bit integers that the library under the program has mapped, too."""

    def __init__(self, name: str, path: Path, layout: str):
        self._layout = layout
        path.write_bytes(bytes(struct.calcsize(layout)))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), struct.calcsize(layout))
        self.environment = {"LD_PRELOAD": str(library(name)), f"P2P_{name.upper()}": str(path)}

    def _get(self) -> tuple:
        return struct.unpack(self._layout, self._memory[:])

    def _set(self, *values: int):
        self._memory[:] = struct.pack(self._layout, *values)


class FailingAlloc(_Shared):
    """One program's allocations, of `smallest` bytes and more. `environment` is for that program."""

    def __init__(self, path: Path, smallest: int = 0):
        super().__init__("failing_alloc", path, "=QQQ")
        self._smallest = smallest
        self.fail_from_start(0)

    @property
    def count(self) -> int:
        return self._get()[0]

    def fail(self, number: int):
        """The number-th from now on fails."""
        struct.pack_into("=Q", self._memory, 8, self.count + number)

    def end(self) -> bool:
        """None fails from now on. Has that one failed? Perhaps just now, so that the program is still about to end."""
        fails = self._get()[1]
        struct.pack_into("=Q", self._memory, 8, 0)
        return 0 < fails <= self.count

    def fail_from_start(self, number: int):
        """Before the program is started."""
        self._set(0, number, self._smallest)


class ShiftedClock(_Shared):
    """`environment` may be for many programs, which then live in the same time."""

    def __init__(self, path: Path):
        super().__init__("shifted_clock", path, "=q")

    def set(self, seconds: int):
        """So far from the right time."""
        self._set(seconds)
