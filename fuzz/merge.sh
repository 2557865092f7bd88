#!/bin/sh
# Takes into fuzz/corpus what covers most of what fuzz/work found, at most 100 inputs for each target; seeds and inputs
# that once broke something (found-*) stay. After fuzz/run.sh.
#
# usage: merge.sh [TARGET...]
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- line_client line_server peer_frames secure control config journal engine
for target; do
    chosen=$(mktemp -d)
    "work/bin/$target" -set_cover_merge=1 -max_len=4096 "$chosen" "corpus/$target" "work/$target" >"work/$target.merge.log" 2>&1
    find "corpus/$target" -type f ! -name 'seed-*' ! -name 'found-*' -delete
    kept=$(find "corpus/$target" -type f | wc -l)
    # The smallest ones.
    find "$chosen" -type f -printf '%s %p\n' | sort -n | head -n $((100 - kept)) | while read -r _ path; do
        cp "$path" "corpus/$target"
    done
    # A seed that was chosen is there under its own name already.
    for seed in "corpus/$target"/seed-*; do rm -f "corpus/$target/$(sha1sum <"$seed" | cut -d ' ' -f 1)"; done
    rm -rf "$chosen"
    echo "$target: $(find "corpus/$target" -type f | wc -l) inputs, $(du -sb "corpus/$target" | cut -f 1) bytes"
done
