"""A person at a terminal: a program on a pseudo-terminal, and what is on its screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pyte

from .process import DEADLINE, STOP_DEADLINE, clean_environment, dies_with_us, sanitizer_report

ROWS = 300  # so many that nothing scrolls away


class Terminal:
    """`screen()` is what a person sees, `raw` every byte that the program wrote."""

    def __init__(self, argv: list, cwd: Path, environment: dict[str, str] | None = None, columns: int = 80):
        self.raw = bytearray()
        self._screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        self._stderr = open(cwd / "terminal-stderr", "w+b")
        self.resize(columns)
        self._process = subprocess.Popen(
            dies_with_us(argv),
            cwd=cwd,
            env=clean_environment({"TERM": "xterm-256color", **(environment or {})}),
            stdin=slave,
            stdout=slave,
            stderr=self._stderr,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def resize(self, columns: int):
        self._screen.resize(ROWS, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))

    # Input

    def type(self, text: str | bytes):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self._master, data) :]

    def line(self, text: str):
        self.type(text + "\r")

    # Output

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], max(seconds, 0))[0]:
            return False
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # the program has ended
            return False
        self.raw += chunk
        self._stream.feed(chunk)
        return bool(chunk)

    def screen(self) -> list[str]:
        """The rows, without blanks at their ends and blank rows at the bottom."""
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def text(self) -> str:
        return "\n".join(self.screen())

    def wait(self, condition, seconds: float = DEADLINE):
        """Until condition(text of the screen) holds; a string is a regular expression. Returns what it returned."""
        if isinstance(condition, str):
            expression = re.compile(condition, re.MULTILINE)
            test = expression.search
        else:
            test = condition
        end = time.monotonic() + seconds
        while True:
            result = test(self.text())
            if result:
                return result
            left = end - time.monotonic()
            if left <= 0 or (not self._read(min(left, 0.2)) and self._process.poll() is not None):
                break
        result = test(self.text())
        assert result, f"never on the screen: {condition!r}; it shows:\n{self.text()}\n--- raw\n{bytes(self.raw)!r}"
        return result

    # End

    def signal(self, number: int):
        self._process.send_signal(number)

    def wait_exit(self, expected: int, seconds: float = DEADLINE):
        end = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < end:
            self._read(0.05)
        while self._read(0):
            pass
        assert self._process.poll() == expected, f"exit {self._process.poll()}, not {expected}:\n{self.text()}"

    def modes(self) -> list:
        """The terminal's settings, as a shell would find them."""
        return termios.tcgetattr(self._master)

    def finish(self) -> list[str]:
        problems = []
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.wait_exit(0, STOP_DEADLINE)
            except AssertionError as error:
                problems.append(str(error))
                self._process.kill()
                self._process.wait()
        self._stderr.seek(0)
        report = sanitizer_report(self._stderr.read())
        if report:
            problems.append(report)
        self._stderr.close()
        os.close(self._master)
        return problems
