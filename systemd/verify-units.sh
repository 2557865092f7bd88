#!/usr/bin/env bash
# verify-units.sh PROGRAMS: checks the units by systemd itself, without installing anything. PROGRAMS is the
# directory with the built programs; `verify` wants them to exist.
set -euo pipefail
programs=$(realpath "$1")
cd "$(dirname "$(readlink -f "$0")")"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
units=(lineswarmd.service lineswarmd@.service lineserver.service)
system=$root/usr/lib/systemd/system
etc=$root/etc/systemd/system

install -D -m644 -t "$system" ./*.service ./*.target
install -D -m755 -t "$root/usr/bin" "$programs"/{lineswarmd,lineswarmctl,lineserver}
# What the units lean on.
cp /lib/systemd/system/{basic,sysinit,shutdown,network,network-online,multi-user}.target "$system/"

verify() {
    systemd-analyze verify --root="$root" --man=no --recursive-errors=yes lineswarmd.service lineswarmd@alice.service \
        lineserver.service lineswarm.target
}

# exposure UNIT TENTHS: fails above it
exposure() {
    systemd-analyze security --offline=true --root="$root" --no-pager --threshold="$2" "$1" >"$root/report" || {
        cat "$root/report"
        echo "$1 is more exposed than $2 tenths" >&2
        return 1
    }
    tail -1 "$root/report"
}

echo "verify: as shipped"
verify
for unit in "${units[@]}"; do
    exposure "$unit" 11
    diff <(sed -n '/^# >>> sandbox/,/^# <<< sandbox/p' "${units[0]}") \
        <(sed -n '/^# >>> sandbox/,/^# <<< sandbox/p' "$unit") || { echo "$unit has another sandbox" >&2; exit 1; }
done
for drop_in in drop-ins/*.conf; do
    echo "verify: with ${drop_in##*/}"
    rm -rf "$etc"
    for unit in lineswarmd lineswarmd@; do install -D -m644 -t "$etc/$unit.service.d" "$drop_in"; done
    verify
    if [ "${drop_in##*/}" = loopback-only.conf ]; then
        exposure lineswarmd.service 9
        exposure lineswarmd@.service 9
    fi
done
echo "units are sound"
