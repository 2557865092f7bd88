#!/bin/sh
# Fuzzes each target for so many seconds, two at a time, at the lowest priority.
#
# usage: run.sh SECONDS_EACH [TARGET...]
# What is found anew gathers in fuzz/work (it stays there for the next time), what breaks in fuzz/artifacts. Exit 1 if
# something broke. An input may take TIMEOUT seconds (20): more, where others have the processors for longer than that.
# fuzz/merge.sh takes the best of fuzz/work into fuzz/corpus.
set -eu
cd "$(dirname "$0")"
seconds=$1
shift
[ $# -gt 0 ] || set -- line_client line_server peer_frames secure control config journal engine
# libFuzzer's instrumentation is behind -Z flags; the compiler is the stable one all the same.
export RUSTC_BOOTSTRAP=1
# Copied, so that another build does not disturb a run.
if [ ! "${FUZZ_ONE:-}" ]; then
    cargo fuzz build
    mkdir -p work/bin artifacts
    host=$(rustc -vV | sed -n 's/^host: //p')
    for target; do cp "${CARGO_TARGET_DIR:-target}/$host/release/$target" work/bin; done
fi
one() {
    mkdir -p "work/$1" "artifacts/$1"
    if nice -n 19 "work/bin/$1" -artifact_prefix="artifacts/$1/" "work/$1" "corpus/$1" -max_total_time="$seconds" -dict="dict/$1.dict" \
        -max_len=4096 -len_control=10 -timeout="${TIMEOUT:-20}" -rss_limit_mb=1024 -print_final_stats=1 >"work/$1.log" 2>&1; then
        verdict="nothing"
    else
        verdict="FOUND $(grep -m1 -E 'panicked at|ERROR: ' "work/$1.log" || echo 'something'); see fuzz/work/$1.log"
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "work/$1.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "work/$1.log" | tail -n 1)
    echo "$1: ${runs:-?} runs in $seconds s, ${edges:-?} edges, $verdict"
    [ "$verdict" = nothing ]
}
if [ "${FUZZ_ONE:-}" ]; then
    one "$FUZZ_ONE"
    exit
fi
printf '%s\n' "$@" | xargs -P 2 -I '{}' env "FUZZ_ONE={}" ./run.sh "$seconds"
