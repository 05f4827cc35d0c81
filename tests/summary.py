"""Sums up a run of tests/run.sh: one line a stage, every failed and skipped test with its reason, and the closing line.

Reads, in the folder given as argument: `stages` (name, exit status, seconds a line) and the JUnit files STAGE.xml.
A stage without a JUnit file, or one that failed though none of its tests did, counts as one test.
"""

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


def stage_results(folder: Path, stage: str, status: int) -> list[tuple[str, str, str]]:
    path = folder / f"{stage}.xml"
    results = []
    if path.exists():
        try:
            results = read_junit(path)
        except ElementTree.ParseError as error:
            return [(stage, "failed", f"{path.name} cannot be read: {error}")]
    if status != 0 and not any(outcome == "failed" for _, outcome, _ in results):
        results.append((stage, "failed", f"exit status {status}, see {stage}.log"))
    return results or [(stage, "passed", "")]


def main(folder: Path) -> int:
    total = {"passed": 0, "failed": 0, "skipped": 0}
    listed = []
    print()
    for line in (folder / "stages").read_text().splitlines():
        stage, status, seconds = line.split()
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
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
