"""Runs the cases in turn, several times over, so that a busy moment hits all of them; see run.sh."""

import argparse
import subprocess
import sys

import report
from cases import CASES, Case
from systems import TOP, BenchError


def run_case(case: Case, results: report.Results, failures: list[str]) -> None:
    try:
        figures = case.run()
    except (BenchError, subprocess.SubprocessError, OSError) as error:
        failures.append(f"{case.name}: {error}")
        print(f"{case.name}: FAILED: {error}", file=sys.stderr)
        return
    results.setdefault(case.name, []).append(figures)
    shown = ", ".join(f"{report.number(figures[name])} {report.UNITS[name]}" for name in report.shown_values([figures]))
    print(f"{case.name}: {shown}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description="P2P chat beside its peers")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each case (default 5)")
    parser.add_argument("kinds", nargs="*", help=f"only these: {', '.join(dict.fromkeys(case.kind for case in CASES))}")
    options = parser.parse_args()
    wanted = [case for case in CASES if not options.kinds or case.kind in options.kinds]
    results: report.Results = {}
    failures: list[str] = []
    for _ in range(options.repeat):
        for case in wanted:
            run_case(case, results, failures)
    report.write(TOP / "build/bench", results, failures)
    print(report.markdown(results, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
