#!/bin/sh
# Breaks one rule of the product after the other, in a copy of the tree, and shows that the simulator notices each within
# 1,000 seeds of mixed chaos, or the check of the voting core within a million far states (votes while somebody joins are
# rare in chaos). Assertions are off: only the oracles count. Needs git, for `git apply`.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM
cp -R "$root/Cargo.toml" "$root/Cargo.lock" "$root/clippy.toml" "$root/proto" "$root/daemon" "$root/ctl" "$root/tests" "$copy"
cd "$copy"
# Without this a copy below some other work tree would be taken for a part of it.
export GIT_CEILING_DIRECTORIES="$(dirname "$copy")"
export CARGO_TARGET_DIR="$copy/target" SEEDS="${SEEDS:-1000}"
unset LINESWARM_SEED
export STATES="${STATES:-1000000}"
mutant() {
    ${CARGO:-cargo} test --quiet --config profile.dev.debug-assertions=false --config profile.dev.debug=false \
        -p lineswarm-tests --test "$@"
}
play() {
    mutant chaos whatever && mutant voting far_way
}

if ! play >log 2>&1; then
    tail -n 40 log
    echo "the unbroken tree fails already"
    exit 1
fi
missed=0
for patch in "$root"/tests/mutants/${MUTANT:-*}.patch; do
    name=$(basename "$patch" .patch)
    git apply "$patch"
    if play >log 2>&1; then
        echo "$name: NOT FOUND within $SEEDS seeds and $STATES states"
        missed=1
    elif ! grep -m1 -e '^seed 0x' -e '^term .* two masters' -e '^a vote was said' log >found; then
        tail -n 40 log
        echo "$name: failed without a broken promise"
        missed=1
    else
        echo "$name: found by $(cat found)"
    fi
    git apply --reverse "$patch"
done
exit $missed
