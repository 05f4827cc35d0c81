#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole suite. Ctrl-C stops it.
# Everything behind the command goes to the launcher: launcher/run.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

launcher/install.sh run
mkdir -p build
[[ -x build/bin/p2p-launcher ]] || echo "Building; this takes a minute or two. Its output is in build/build.log."
if ! { cmake -G Ninja -S . -B build && cmake --build build; } >build/build.log 2>&1; then
    tail -n 40 build/build.log >&2
    echo "The build failed; all of its output is in build/build.log." >&2
    exit 1
fi
exec build/bin/p2p-launcher "$@"
