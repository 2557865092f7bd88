#!/bin/sh
# Measures what docs/scaling.md, docs/peer-links.md and the README show, and writes it there: the charts beside this
# script, the tables between the markers of the pages. Takes about a quarter of an hour; run it on a quiet machine.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=${LINESWARM_PROGRAMS:-${CARGO_TARGET_DIR:-$root/target}/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM HUP
PATH=$programs:$PATH
cd "$work"

# The shortest first.
(cd "$root" && ${CARGO:-cargo} bench -p lineswarmd --bench links) >links.txt
# 65: a run had a wrong end. That belongs into the figures.
compare() { lineswarmctl compare "$@" || test $? = 65; }
compare --peers 1,2,4,8,16 --rate 200 --runs 3 --out scaling
compare --peers 4,8 --topology mesh,star,ring --rate 200 --runs 3 --out topologies
for rate in 100 25; do compare --peers 16 --latency 5 --rate $rate --runs 3 --out sixteen-$rate; done
for rate in 20 5; do compare --peers 64 --latency 5 --rate $rate --runs 3 --out sixtyfour-$rate; done
compare --peers 3,4 --kill-master-at 50 --rate 200 --runs 3 --out killed
lineswarmctl predict --out predicted >predicted.txt
lineswarmctl bench transport >transport.txt

cp scaling/lines.svg scaling/time.svg scaling/efficiency.svg predicted/predict.svg "$root/docs/images/"

# Replaces what stands in a page between "<!-- NAME begins -->" and "<!-- NAME ends -->".
put() {
    awk -v name="$2" -v file="$3" '
        $0 == "<!-- " name " begins -->" { print; while ((getline line < file) > 0) print line; inside = 1 }
        $0 == "<!-- " name " ends -->" { inside = 0 }
        !inside && $0 != "<!-- " name " begins -->"
    ' "$root/docs/$1" >page.md
    cp page.md "$root/docs/$1"
}
fenced() { { printf '```text\n'; sed '/: the chart$/d' "$1"; printf '```\n'; } >"$1.fenced"; }
fenced predicted.txt
fenced transport.txt
fenced links.txt
cat sixteen-*/results.md sixtyfour-*/results.md >large.md
put scaling.md scaling scaling/results.md
put scaling.md topologies topologies/results.md
put scaling.md large large.md
put scaling.md killed killed/results.md
put scaling.md predicted predicted.txt.fenced
put scaling.md transport transport.txt.fenced
put peer-links.md links links.txt.fenced
