#!/bin/sh
# The same file downloaded again and again: identical each time, equally fast, memory and descriptors flat.
#
# usage: soak.sh [DOWNLOADS] [OUT]        (20; a directory for soak.csv and the report, default target/soak)
# First one swarm of three daemons that lives through all downloads, each a new epoch; then as many swarms by
# `lineswarmctl compare`, for the page. Exit 1 if a file differs, or memory or descriptors grow.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
count=${1:-20}
out=${2:-$root/target/soak}
programs=${LINESWARM_PROGRAMS:-${CARGO_TARGET_DIR:-$root/target}/release}
PATH=$programs:$PATH
peers="1 2 3"
lines=1000
rate=2000
# Memory is flat when all three end at most this much above what they were after a tenth of the downloads, in KiB: their
# lists of events and past runs fill up to a bound.
slack=3072

mkdir -p "$out"
work=$(mktemp -d)
children=
finish() {
    for child in $children; do kill "$child" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

: >"$work/events"
lineserver --listen 127.0.0.1:0 --lines $lines --rate $rate --write-file "$work/served.txt" --events json >"$work/events" &
children=$!
until grep -q '"ev":"listen"' "$work/events"; do kill -0 "$children"; sleep 0.05; done
server=$(sed -n 's/.*"addr":"\([^"]*\)".*"ev":"listen".*/\1/p' "$work/events" | head -n 1)

: >"$work/empty.toml"
base=$((20000 + $$ % 20000))
pids=
for n in $peers; do
    mkdir "$work/p$n"
    links=
    for other in $peers; do [ "$other" = "$n" ] || links="$links --peer 127.0.0.$((other + 1)):$((base + other))"; done
    # shellcheck disable=SC2086
    lineswarmd --config "$work/empty.toml" --name "soak/peer$n" --state-dir "$work/p$n" \
        --control-socket "$work/p$n/control.sock" --status-socket "$work/p$n/status.sock" \
        --server "$server" --bind "127.0.0.$((n + 1))" --lines $lines --identity soak@lineswarm \
        --listen "127.0.0.$((n + 1)):$((base + n))" --autostart false $links 2>"$work/p$n/log" &
    pids="$pids $!"
    children="$children $!"
done
ctl() { lineswarmctl --socket "$work/p$1/control.sock" --timeout "${patience:-60}" --quiet "$2" $3; }
for n in $peers; do
    tries=0
    until patience=20 ctl "$n" wait "--for peers=2" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo "soak: peer $n does not come up; its log:" >&2; cat "$work/p$n/log" >&2; exit 1; }
        sleep 0.1
    done
    ctl "$n" wait "--for master"
done

echo "download,seconds,kib,descriptors" >"$out/soak.csv"
done=0
while [ $done -lt "$count" ]; do
    done=$((done + 1))
    begin=$(date +%s.%N)
    ctl 1 start --swarm
    for n in $peers; do ctl "$n" wait "--for submitted"; done
    end=$(date +%s.%N)
    for n in $peers; do
        ctl "$n" wait "--for complete"
        ctl "$n" dump "--output $work/got.txt"
        cmp -s "$work/served.txt" "$work/got.txt" || { echo "soak: download $done: peer $n holds another file" >&2; exit 1; }
    done
    kib=0
    descriptors=0
    for pid in $pids; do
        kib=$((kib + $(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")))
        descriptors=$((descriptors + $(ls "/proc/$pid/fd" | wc -l)))
    done
    awk -v n=$done -v a="$begin" -v b="$end" -v k=$kib -v d=$descriptors \
        'BEGIN { printf "%d,%.3f,%d,%d\n", n, b - a, k, d }' >>"$out/soak.csv"
done

# Flat: as after a tenth of the downloads.
verdict=$(awk -F, -v slack=$slack -v count="$count" '
    NR == 1 { next }
    { s[NR - 1] = $2; kib = $3; fds = $4 }
    $1 == int((count + 9) / 10) { kib0 = kib; fds0 = fds }
    END {
        n = NR - 1
        for (i = 1; i <= n; i++) for (j = i; j > 1 && s[j] < s[j - 1]; j--) { t = s[j]; s[j] = s[j - 1]; s[j - 1] = t }
        printf "%d downloads by three daemons, each the served file: %.2f s at the median, %.2f to %.2f s;\n", n, s[int((n + 1) / 2)], s[1], s[n]
        printf "memory of all three %d KiB after a tenth, %d KiB at the end; descriptors %d, %d: %s\n", kib0, kib, fds0, fds, (kib <= kib0 + slack && fds <= fds0) ? "flat" : "GROWING"
    }' "$out/soak.csv")
echo "$verdict"

lineswarmctl compare --peers 3 --lines $lines --rate $rate --runs "$count" --out "$out" >"$out/compare.txt" || { cat "$out/compare.txt"; exit 1; }
echo "$out/report.html"
case $verdict in *GROWING) exit 1 ;; esac
