#!/usr/bin/env bash
# Installs what is missing, builds everything three times (release, ASan + UBSan, TSan) and tests each build.
# A failed stage doesn't stop the others. The output of each is in build/test-logs; the summary comes last.
#   tests/run.sh            everything
#   tests/run.sh STAGE…     only these, e.g. tests/run.sh build units integration
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$PWD/build/test-logs
pytest=$PWD/build/tools/venv/bin/pytest
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp detect_deadlocks=0"

stages=(install tools format
    build build-asan build-tsan
    units units-asan units-tsan
    integration integration-asan integration-tsan
    kill-sweep torture
    web fuzz)

format() {
    find . \( -name build -o -name node_modules -o -name '.?*' \) -prune -o -name '*.[ch]' -print0 |
        xargs -0 clang-format-14 --dry-run --Werror
}

build() { # folder, cmake options
    local folder=$1
    shift
    cmake -G Ninja -S . -B "$folder" "$@" && cmake --build "$folder"
}

units() { # folder
    ctest --test-dir "$1" --output-on-failure --no-tests=error -j 2 --output-junit "$logs/$stage.xml"
}

integration() { # folder, pytest options
    local folder=$1
    shift
    P2P_BIN_DIR=$PWD/$folder/bin "$pytest" tests/integration -c tests/integration/pytest.ini -n 3 --dist worksteal \
        --junit-xml "$logs/$stage.xml" "$@"
}

# Kills a program at every moment of an exchange, and lets every allocation of it fail. P2P_KILL_EVERY=1 and
# P2P_ALLOC_EVERY=1 take all moments, the first also both stores. And the tests
# of the torture test itself: in the next stage they would keep its four long runs from starting at once.
kill_sweep() {
    P2P_BIN_DIR=$PWD/build/bin "$pytest" tests/torture/test_{kill_sweep_*,allocation_sweep_*,ledger,rest,storm}.py \
        -c tests/integration/pytest.ini -n 2 --junit-xml "$logs/$stage.xml"
}

# All kinds of clients chat while everything is killed and cut. A failure prints the seed; tests/torture/run.sh repeats it.
torture() {
    mkdir -p build/torture
    P2P_BIN_DIR=$PWD/build/bin "$pytest" tests/torture/test_torture.py \
        -c tests/torture/pytest.ini -n 4 -rP --basetemp build/torture/ci --junit-xml "$logs/$stage.xml"
}

web() {
    if [[ ! -f tests/web/package.json ]]; then
        echo "no browser tests"
        return
    fi
    local tests=(tests/web/*.test.mjs) parallel=()
    # They wait more than they work. Older ones don't know the option.
    node --test-concurrency=2 --version >/dev/null 2>&1 && parallel=(--test-concurrency=2)
    P2P_BIN_DIR=$PWD/build/bin node --test "${parallel[@]}" --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$logs/$stage.tap" "${tests[@]}"
}

fuzz() {
    cmake -G Ninja -S . -B build/fuzz -DP2P_FUZZ=ON -DCMAKE_C_COMPILER=clang-14 &&
        cmake --build build/fuzz --target fuzzers && tests/fuzz/run.sh "$logs"
}

run_stage() {
    case $1 in
    install) launcher/install.sh test ;;
    tools) tests/tools.sh ;;
    format) format ;;
    build) build build ;;
    build-asan) build build/asan -DP2P_SANITIZE=address -DCMAKE_C_COMPILER=clang-14 ;;
    build-tsan) build build/tsan -DP2P_SANITIZE=thread -DCMAKE_C_COMPILER=clang-14 ;;
    units) units build ;;
    units-asan) units build/asan ;;
    units-tsan) units build/tsan ;;
    integration) integration build ;;
    integration-asan) integration build/asan ;;
    integration-tsan) integration build/tsan -m threads ;;
    kill-sweep) kill_sweep ;;
    torture) torture ;;
    web) web ;;
    fuzz) fuzz ;;
    *)
        echo "no such stage: $1; there are: ${stages[*]}" >&2
        exit 2
        ;;
    esac
}

mkdir -p "$logs"
rm -f "$logs"/*
(($# > 0)) && stages=("$@")
for stage in "${stages[@]}"; do
    printf '%-17s' "$stage"
    started=$SECONDS
    (run_stage "$stage") >"$logs/$stage.log" 2>&1 </dev/null
    status=$?
    echo "$stage $status $((SECONDS - started))" >>"$logs/stages"
    if ((status == 0)); then
        echo "ok      $((SECONDS - started)) s"
    else
        echo "FAILED  $((SECONDS - started)) s"
        tail -n 60 "$logs/$stage.log"
    fi
done
exec /usr/bin/python3 tests/summary.py "$logs"
