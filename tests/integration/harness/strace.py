"""Programs under strace: what they ask of the kernel, in order; calls that fail; death at a chosen call."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .process import Program, Programs

_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)")
_RESULT = re.compile(r"= (-?\d+)(?: .*)?$")


def missing() -> str:
    """Why it can't be used here, "" when it can."""
    if not shutil.which("strace"):
        return "no strace in the path"
    if os.geteuid() != 0:
        return "strace sees into programs that hide their memory only as root"
    try:
        traced = ["strace", "-f", "-o", "/dev/null", "-e", "inject=close:error=EIO:when=1000", "true"]
        probe = subprocess.run(traced, capture_output=True, timeout=30, check=False)
    except OSError as error:
        return f"strace doesn't run: {error}"
    return "" if probe.returncode == 0 else f"strace can't trace here: {probe.stderr.decode('utf-8', 'replace')}"


def start(programs: Programs, output: Path, options: list[str], name: str, *arguments, **others) -> Program:
    """The program itself, with its own pid, traced by a process beside it; does not wait for anything."""
    command = ["-D", "-f", "-y", "-o", output, *options, programs.path(name), *arguments]
    environment = {**others.pop("environment", {}), "ASAN_OPTIONS": "detect_leaks=0"}  # that needs ptrace for itself
    return programs.start(shutil.which("strace"), *command, environment=environment, **others)


@dataclass
class Event:
    """The beginning or the end of a call; `result` is None at the beginning."""

    thread: int
    name: str
    text: str
    result: int | None = None


def events(output: Path) -> list[Event]:
    """In the order in which the kernel saw them begin and end."""
    found, begun = [], {}
    for line in output.read_text("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        thread, rest = int(match["thread"]), match["rest"]
        if match["name"]:
            begun[thread] = Event(thread, match["name"], rest)
            found.append(begun[thread])
        result = _RESULT.search(rest)
        if result and thread in begun:
            first = begun.pop(thread)
            found.append(Event(thread, first.name, first.text, int(result[1])))
    return found
