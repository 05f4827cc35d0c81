"""Sums up a run of tests/run.sh: one line a stage, every failed and skipped test with its reason, and the closing line.

Reads, in the folder given as argument: `stages` (name, exit status, seconds a line), and what the test runners wrote:
STAGE.xml (JUnit; ctest and pytest) or STAGE.tap (TAP; node). A stage without such a file, or one that failed though none of its tests did, counts as one test.
"""

import contextlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def read_junit(path: Path) -> list[tuple[str, str, str]]:
    """(test, passed|failed|skipped, reason) of every test case."""
    results = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        outcome, reason = "passed", ""
        for kind, elements in (("failed", ("failure", "error")), ("skipped", ("skipped",))):
            found = next((case.find(element) for element in elements if case.find(element) is not None), None)
            if found is not None:
                outcome, reason = kind, (found.get("message") or found.text or "").strip()
                break
        results.append((name, outcome, reason))
    return results


_TAP_LINE = re.compile(r"^( *)(not ok|ok) \d+ - (.*?)(?: # (SKIP|TODO)\b ?(.*))?$")
_TAP_ERROR = re.compile(r"^ *error: (.*)$")


def read_tap(path: Path) -> list[tuple[str, str, str]]:
    """The same of node's TAP. A suite's line comes behind the lines of its tests, which are indented deeper."""
    results = []
    failed_at: dict[int, bool] = {}  # depth: did a test there fail, in the suite that is open?
    for line in path.read_text().splitlines():
        found = _TAP_LINE.match(line)
        if found:
            indent, word, name, skip, reason = found.groups()
            failed = word == "not ok" and not skip
            deeper = [failed_at.pop(depth) for depth in list(failed_at) if depth > len(indent)]
            failed_at[len(indent)] = failed_at.get(len(indent), False) or failed
            if deeper and (any(deeper) or not failed):
                continue
            outcome = "skipped" if skip else "failed" if failed else "passed"
            results.append((name, outcome, reason or ""))
            continue
        error = _TAP_ERROR.match(line)
        if error and results and results[-1][1] == "failed" and not results[-1][2]:
            results[-1] = (*results[-1][:2], error.group(1).strip("'\""))
    return results


_TAP_COUNT = re.compile(r"^ *# hostile inputs: (\d+)$", re.MULTILINE)


def hostile_inputs(folder: Path, stage: str) -> int:
    """How many inputs the tests of hostile peers say that they have tried."""
    count = 0
    with contextlib.suppress(FileNotFoundError, ElementTree.ParseError):
        for item in ElementTree.parse(folder / f"{stage}.xml").getroot().iter("property"):
            count += int(item.get("value")) if item.get("name") == "hostile_inputs" else 0
    with contextlib.suppress(FileNotFoundError):
        count += sum(map(int, _TAP_COUNT.findall((folder / f"{stage}.tap").read_text())))
    return count


def stage_results(folder: Path, stage: str, status: int) -> list[tuple[str, str, str]]:
    results = []
    try:
        for path, read in ((folder / f"{stage}.xml", read_junit), (folder / f"{stage}.tap", read_tap)):
            if path.exists():
                results += read(path)
    except ElementTree.ParseError as error:
        return [(stage, "failed", f"{stage}.xml cannot be read: {error}")]
    if status != 0 and not any(outcome == "failed" for _, outcome, _ in results):
        results.append((stage, "failed", f"exit status {status}, see {stage}.log"))
    return results or [(stage, "passed", "")]


def main(folder: Path) -> int:
    total = {"passed": 0, "failed": 0, "skipped": 0}
    listed = []
    tried = 0
    print()
    for line in (folder / "stages").read_text().splitlines():
        stage, status, seconds = line.split()
        tried += hostile_inputs(folder, stage)
        counts = dict.fromkeys(total, 0)
        for name, outcome, reason in stage_results(folder, stage, int(status)):
            counts[outcome] += 1
            if outcome != "passed":
                listed.append((outcome, stage, name, reason.splitlines()[0] if reason else "no reason given"))
        for outcome, count in counts.items():
            total[outcome] += count
        print(
            f"{stage:<17} {counts['passed']:>4} passed {counts['failed']:>3} failed "
            f"{counts['skipped']:>3} skipped {seconds:>5} s"
        )
    for outcome, stage, name, reason in sorted(listed):
        print(f"{outcome}: {stage}: {name}: {reason[:300]}")
    if tried:
        print(f"hostile inputs tried: {tried}")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
