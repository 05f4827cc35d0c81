#!/usr/bin/env bash
# Runs every fuzzer of build/fuzz/bin from its seeds, two at once, and prints one line of TAP for each.
#   tests/fuzz/run.sh FOLDER    what stops a fuzzer is kept there: fuzz-NAME.log, fuzz-NAME-crash-…
#   P2P_FUZZ_SECONDS=120        for each; 60 when not set
# What the fuzzers find new on the way stays in build/fuzz/corpus and is the start of the next run.
set -uo pipefail
cd "$(dirname "$0")/../.."
export folder=$1 seconds=${P2P_FUZZ_SECONDS:-60}

run_one() { # number, fuzzer
    local name=${2##*/fuzz_}
    local found=build/fuzz/corpus/$name log=$folder/fuzz-$name.log
    mkdir -p "$found"
    if "$2" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$folder/fuzz-$name-" "$found" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        echo "ok $1 - $name ($(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions)"
        rm -f "$log"
    else
        echo "not ok $1 - $name"
        echo "  error: $(grep -m 1 -E 'ERROR|runtime error' "$log" || tail -n 1 "$log")"
        tail -n 50 "$log" | sed 's/^/# /'
    fi
}
export -f run_one

fuzzers=(build/fuzz/bin/fuzz_*)
[[ -x ${fuzzers[0]} ]] || exit 1
echo "1..${#fuzzers[@]}"
printf '%s\n' "${fuzzers[@]}" | nl -w 1 -s ' ' | xargs -P 2 -L 1 bash -c 'run_one "$@"' _ | tee "$folder/fuzz.tap"
! grep -q '^not ok' "$folder/fuzz.tap"
