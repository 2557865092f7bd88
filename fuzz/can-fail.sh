#!/bin/sh
# Shows that the fuzzer finds something: plants a length that is not checked (planted.patch) in a copy of the tree, and
# waits for it to be noticed, from an empty corpus. Needs git, for `git apply`.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM
export GIT_CEILING_DIRECTORIES="$(dirname "$copy")" RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/fuzz/target}"
mkdir "$copy/fuzz" "$copy/empty"
cp -R "$root/Cargo.toml" "$root/Cargo.lock" "$root/clippy.toml" "$root/proto" "$root/daemon" "$root/ctl" "$root/tests" \
    "$root/docs" "$root/etc" "$copy"
cp -R "$root/fuzz/Cargo.toml" "$root/fuzz/Cargo.lock" "$root/fuzz/fuzz_targets" "$root/fuzz/dict" "$copy/fuzz"
cd "$copy"
git apply "$root/fuzz/planted.patch"
cd fuzz
cargo fuzz build peer_frames
host=$(rustc -vV | sed -n 's/^host: //p')
begin=$(date +%s.%N)
if "$CARGO_TARGET_DIR/$host/release/peer_frames" -dict=dict/peer_frames.dict -max_total_time="${SECONDS_EACH:-300}" \
    "$copy/empty" >log 2>&1; then
    tail -n 5 log
    echo "planted.patch: NOT FOUND"
    exit 1
fi
grep -m1 -A1 'panicked at' log || { tail -n 20 log; exit 1; }
awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "planted.patch: found after %.1f s\n", b - a }'
