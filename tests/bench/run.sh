#!/usr/bin/env bash
# Compares the suite with what people would use instead: installs the peers from Debian's packages, builds, runs the
# same work on each in turn, and prints one table. Results stay in build/bench: results.json, results.md, results.svg.
#   tests/bench/run.sh                       all of it, about ten minutes on two quiet cores
#   tests/bench/run.sh --repeat 3 flood idle only these kinds of work
set -euo pipefail
cd "$(dirname "$0")/../.."
launcher/install.sh bench
cmake -G Ninja -S . -B build/bench -DP2P_BENCH=ON >/dev/null
cmake --build build/bench >/dev/null
exec /usr/bin/python3 tests/bench/bench.py "$@"
