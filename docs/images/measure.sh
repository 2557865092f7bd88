#!/bin/sh
# Measures what docs/scaling.md and the README show, and writes it there: the charts beside this script, the tables
# between the markers of docs/scaling.md. Takes about seven minutes; run it on a quiet machine.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=${LINESWARM_PROGRAMS:-${CARGO_TARGET_DIR:-$root/target}/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM HUP
PATH=$programs:$PATH
cd "$work"

# 65: a run had a wrong end. That belongs into the figures.
compare() { lineswarmctl compare "$@" || test $? = 65; }
compare --peers 1,2,4,8,16 --rate 200 --runs 3 --out scaling
compare --peers 4,8 --topology mesh,star,ring --rate 200 --runs 3 --out topologies
compare --peers 3,4 --kill-master-at 50 --rate 200 --runs 3 --out killed
lineswarmctl predict --out predicted >predicted.txt
lineswarmctl bench transport >transport.txt

cp scaling/lines.svg scaling/time.svg scaling/efficiency.svg predicted/predict.svg "$root/docs/images/"

# Replaces what stands between "<!-- NAME begins -->" and "<!-- NAME ends -->".
put() {
    awk -v name="$1" -v file="$2" '
        $0 == "<!-- " name " begins -->" { print; while ((getline line < file) > 0) print line; inside = 1 }
        $0 == "<!-- " name " ends -->" { inside = 0 }
        !inside && $0 != "<!-- " name " begins -->"
    ' "$root/docs/scaling.md" >scaling.md
    cp scaling.md "$root/docs/scaling.md"
}
fenced() { { printf '```text\n'; sed '/: the chart$/d' "$1"; printf '```\n'; } >"$1.fenced"; }
fenced predicted.txt
fenced transport.txt
put scaling scaling/results.md
put topologies topologies/results.md
put killed killed/results.md
put predicted predicted.txt.fenced
put transport transport.txt.fenced
