#!/bin/sh
# Opens the report page of a comparison in headless Chromium: its figures are read and checked against results.json, its
# controls are clicked, nothing may be fetched, nothing may fail. Screenshots stay in the directory that is printed.
#
# usage: run.sh [DIRECTORY]
# DIRECTORY holds the results of `lineswarmctl compare`; without it a short comparison is measured first, with the
# programs in $LINESWARM_PROGRAMS (default: target/debug). Installs Chromium where apt-get can.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)

if ! command -v chromium >/dev/null; then
    echo "installing chromium" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
command -v python3 >/dev/null || { echo "run.sh: python3 is missing; install it (apt-get install python3)" >&2; exit 69; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM HUP
if [ $# -ge 1 ]; then
    report=$1
else
    programs=${LINESWARM_PROGRAMS:-${CARGO_TARGET_DIR:-$root/target}/debug}
    report=$work/report
    "$programs/lineswarmctl" compare --peers 1,2,4 --topology mesh,ring --lines 150 --rate 500 --runs 2 --out "$report"
fi
shots=${SHOTS:-$work/shots}
mkdir -p "$shots"
python3 "$here/drive.py" "$report" "$work/profile" "$shots"
