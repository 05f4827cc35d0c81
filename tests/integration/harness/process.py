"""One program that a test started: its output, its `ready` line, its end.

Every program is in a process group of its own and is killed when the test process dies, so nothing is left running.
"""

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from pathlib import Path

DEADLINE = 30.0  # seconds for anything that should happen soon: machines are slow and busy
STOP_DEADLINE = 15.0  # SIGTERM to exit; the design says 5, sanitizers on two busy cores need more

_SANITIZER_REPORT = re.compile(rb"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")
_ROOT = Path(__file__).resolve().parents[3]
_SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"suppressions={_ROOT}/tests/tsan.supp detect_deadlocks=0",
}


def sanitizer_report(output: bytes) -> str:
    """The output from the first sanitizer report on, "" when there is none."""
    found = _SANITIZER_REPORT.search(output)
    if not found:
        return ""
    start = output.rfind(b"\n", 0, found.start()) + 1
    return output[start : start + 20000].decode("utf-8", "replace")


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Nothing of the developer's own settings reaches a program under test."""
    kept = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LLVM_SYMBOLIZER_PATH", "ASAN_SYMBOLIZER_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["LANG"] = "C.UTF-8"
    environment["NO_PROXY"] = "127.0.0.1,localhost"
    for name, value in _SANITIZER_OPTIONS.items():
        environment[name] = os.environ.get(name, value)
    environment.update(extra or {})
    return environment


def dies_with_us(argv: list) -> list[str]:
    """The command that runs argv, and kills it when the thread that started it ends, whatever ends it. Who has died
    before the kernel knew of the wish will not be noticed by it: that is what the shell looks for. And what a shell
    starts in the background ignores SIGINT and SIGQUIT, with all its children: programs under test must not."""
    guard = ("sh", "-c", f'[ $PPID = {os.getpid()} ] && exec "$@"', "sh")
    bound = ("setpriv", "--pdeathsig", "KILL", "--", "env", "--default-signal=INT,QUIT", *guard)
    return [*bound, *(str(part) for part in argv)]


def wait_until(condition, what: str, seconds: float = DEADLINE):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def process_is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it goes while it is read
        return True


class _Stream:
    """Collects what a pipe brings, in a thread."""

    def __init__(self, pipe, changed: threading.Condition):
        self.data = bytearray()
        self._changed = changed
        self._pipe = pipe
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        while True:
            chunk = os.read(self._pipe.fileno(), 65536)
            with self._changed:
                self.data += chunk
                self._changed.notify_all()
            if not chunk:
                return


class Program:
    """A running program. `environment` is added to a clean one; `cwd` should be the test's own folder, because the
    programs read `.env` and write `data/` and `logs/` in their working directory."""

    def __init__(self, name: str, argv: list, cwd: Path, environment: dict[str, str] | None = None):
        self.name = name
        self.argv = [str(part) for part in argv]
        self.exit_expected = False
        self.fields: dict[str, str] = {}
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            dies_with_us(self.argv),
            cwd=cwd,
            env=clean_environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._stdout = _Stream(self._process.stdout, self._changed)
        self._stderr = _Stream(self._process.stderr, self._changed)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    @property
    def stdout(self) -> str:
        with self._changed:
            return self._stdout.data.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        with self._changed:
            return self._stderr.data.decode("utf-8", "replace")

    def describe(self) -> str:
        return (
            f"{self.name} (pid {self.pid}, exit {self.returncode}): {shlex.join(self.argv)}\n"
            f"--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-8000:]}"
        )

    # Input

    def write(self, data: bytes | str):
        data = data.encode() if isinstance(data, str) else data
        while data:
            data = data[self._process.stdin.write(data) :]

    def close_stdin(self):
        self._process.stdin.close()

    # Output

    def wait_output(self, pattern: str, stream: str = "stdout", seconds: float = DEADLINE) -> re.Match:
        """Waits until the regular expression is found anywhere in the output."""
        expression = re.compile(pattern, re.MULTILINE)
        source = self._stdout if stream == "stdout" else self._stderr
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                ended = not source.thread.is_alive()
                found = expression.search(source.data.decode("utf-8", "replace"))
                if found:
                    return found
                left = end - time.monotonic()
                if ended or left <= 0:
                    break
                self._changed.wait(min(left, 0.2))
        why = "its output ended" if ended else f"not within {seconds:.0f} s"
        raise AssertionError(f"{self.name}: no {pattern!r} in its {stream}: {why}\n{self.describe()}")

    def wait_ready(self, seconds: float = DEADLINE) -> "Program":
        """Waits for the line `ready key=value …`; the values are in `fields` then."""
        found = self.wait_output(r"^ready( .*)?\n", seconds=seconds)
        self.fields = dict(part.split("=", 1) for part in (found.group(1) or "").split() if "=" in part)
        return self

    @property
    def port(self) -> int:
        return int(self.fields["port"])

    # End

    def signal(self, number: int):
        self._process.send_signal(number)

    def wait_exit(self, expected: int | None = None, seconds: float = DEADLINE) -> int:
        """Waits until it ends by itself; `expected` is the exit status that it must have."""
        self.exit_expected = True
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds:.0f} s\n{self.describe()}") from None
        self._join_output()
        assert expected is None or code == expected, f"{self.name}: exit {code}, not {expected}\n{self.describe()}"
        return code

    def stop(self, seconds: float = STOP_DEADLINE):
        """SIGTERM; it must exit with 0."""
        if self.returncode is None:
            self.signal(signal.SIGTERM)
        self.wait_exit(0, seconds)

    def kill(self):
        """SIGKILL to the whole process group, as when the power fails."""
        self.exit_expected = True
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._join_output()

    def _join_output(self):
        # A grandchild may hold the pipes open: don't wait for that for ever.
        for stream in (self._stdout, self._stderr):
            stream.thread.join(5)

    def finish(self) -> list[str]:
        """The end of the test: stops it if it runs, and tells what was wrong with it."""
        problems = []
        if self.returncode is None:
            try:
                self.stop()
            except AssertionError as error:
                problems.append(str(error))
        elif not self.exit_expected:
            self._join_output()
            problems.append(f"{self.name} ended unexpectedly\n{self.describe()}")
        self.kill()
        with self._changed:
            report = sanitizer_report(bytes(self._stderr.data))
        if report:
            problems.append(f"{self.name}: sanitizer report\n{report}")
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()
        return problems


class Programs:
    """All programs of one test: starts them, and ends them in reverse order."""

    def __init__(self, binaries: Path, cwd: Path):
        self.binaries = binaries
        self.cwd = cwd
        self._started: list[Program] = []

    def path(self, program: str) -> Path:
        path = self.binaries / program
        assert path.exists(), f"{path} is not built"
        return path

    def start(self, program: str, *arguments, environment: dict[str, str] | None = None, cwd: Path | None = None):
        """Starts build/bin/<program>, or a program given by its absolute path; does not wait for anything."""
        path = Path(program) if program.startswith("/") else self.path(program)
        started = Program(path.name, [path, *arguments], cwd or self.cwd, environment)
        self._started.append(started)
        return started

    def end(self, program: Program) -> list[str]:
        """Ends this one before the others: stops it if it runs, and tells what was wrong with it."""
        self._started.remove(program)
        return program.finish()

    def finish(self) -> list[str]:
        problems = []
        while self._started:
            problems += self._started.pop().finish()
        return problems
