#!/usr/bin/env bash
# The torture test: messages between all kinds of clients while programs are killed and connections cut.
#   tests/torture/run.sh                                     short, all stores and deliveries, another seed each time
#   tests/torture/run.sh --messages 10000 --kills 200 --store sqlite --delivery durable [--seed S]
# Needs the release build and tests/tools.sh (tests/run.sh does both). The line of figures is printed at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
export P2P_BIN_DIR=${P2P_BIN_DIR:-$PWD/build/bin}
mkdir -p build/torture
exec build/tools/venv/bin/pytest tests/torture/test_torture.py -c tests/torture/pytest.ini --rootdir tests/torture \
    --timeout 0 -rP --basetemp "build/torture/$$" "$@"
