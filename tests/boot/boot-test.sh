#!/usr/bin/env bash
# boot-test.sh nspawn|qemu [--break restart|watchdog]: boots a Debian 12 with a real systemd, installs the package
# in it and runs inner.sh there. As root. Needs out/*.deb (make deb). --break spoils the units first, to show
# that the test can fail.
#
# BOOT_TEST_CACHE keeps the root file system (and kernel) between runs, outside of the sources; it is made when
# missing. BOOT_TEST_LOG is a file for the console. Everything started here ends here.
set -euo pipefail

mode=${1:-nspawn}
spoil=none
if [ "${2-}" = --break ]; then spoil=${3:?--break restart|watchdog}; fi
case "$mode:$spoil" in
nspawn:none | nspawn:restart | nspawn:watchdog | qemu:none | qemu:restart | qemu:watchdog) ;;
*) echo "usage: $0 nspawn|qemu [--break restart|watchdog]" >&2; exit 64 ;;
esac
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
cache=${BOOT_TEST_CACHE:-/var/cache/lineswarm-boot-test}
log=${BOOT_TEST_LOG:-/dev/null}
limit=${BOOT_TEST_LIMIT:-$([ "$mode" = qemu ] && echo 1800 || echo 300)}
# shellcheck source=tests/boot/machine.sh
. "$here/machine.sh"

# Not tested is not passed: where CI is set, nothing may be skipped.
skip() {
    echo "SKIP boot test: $*"
    [ -z "${CI-}" ]
    exit
}
[ "$(id -u)" = 0 ] || skip "it needs root, for a container of its own"
command -v apt-get >/dev/null || skip "it needs Debian's apt, for a root file system"
deb=$(ls -t "$top"/out/lineswarm_*_"$(dpkg --print-architecture)".deb 2>/dev/null | head -1)
[ -n "$deb" ] || { echo "there is no out/lineswarm_*.deb: run 'make deb' first" >&2; exit 66; }

began=$SECONDS
lap() { echo "INFO $((SECONDS - began)) s: $*"; }

mkdir -p "$cache"
exec 9>"$cache/lock"
# One builder at a time.
flock 9
install_tools "$mode"
make_root_file_system "$cache"
if [ "$mode" = qemu ]; then make_kernel "$cache"; fi
flock -u 9

work=$(mktemp -d /var/tmp/lineswarm-boot-test.XXXXXX)
group=lineswarm-boot-test-$$
cleanup() {
    if mountpoint -q "$work/root"; then umount "$work/root"; fi
    rm -rf --one-file-system "$work"
    leave_cgroup "$group"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# A throw-away layer over the root file system, with the package and the test in it.
root=$work/root
mkdir -p "$root" "$work/upper" "$work/work"
mount -t overlay overlay -o "lowerdir=$cache/rootfs,upperdir=$work/upper,workdir=$work/work" "$root"
install -D -m644 "$deb" "$root/opt/test/lineswarm.deb"
install -m755 "$here/inner.sh" "$here"/inner-*.sh "$root/opt/test/"
echo "$mode" >"$root/opt/test/mode"
install -D -m644 "$here/boot-test.service" "$root/etc/systemd/system/boot-test.service"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../boot-test.service "$root/etc/systemd/system/multi-user.target.wants/"
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
if [ "$spoil" != none ]; then
    for unit in lineswarmd lineswarmd@; do
        mkdir -p "$root/etc/systemd/system/$unit.service.d"
        case $spoil in
        restart) printf '[Service]\nRestart=no\n' ;;
        # The daemon does not learn that it has a watchdog, so it does not feed it.
        watchdog) printf '[Service]\nUnsetEnvironment=WATCHDOG_USEC WATCHDOG_PID\n' ;;
        esac >"$root/etc/systemd/system/$unit.service.d/spoilt.conf"
    done
fi
lap "booting ($mode)"

case $mode in
nspawn)
    enter_cgroup "$group"
    timeout --kill-after=10 "$limit" systemd-nspawn --quiet --boot --directory="$root" --machine="lineswarm-boot-$$" \
        --register=no --keep-unit --private-network --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
        </dev/null >"$work/console" 2>&1 9>&- || lap "the container ended with $?"
    leave_cgroup "$group"
    cp "$root/opt/test/result" "$work/result" 2>/dev/null || true
    ;;
qemu)
    boot_qemu "$cache" "$root" "$work" "$limit" || lap "the machine ended with $?"
    # The console is the only way out.
    tr -d '\r' <"$work/console" | grep -aoE '(PASS|FAIL|INFO|END|[0-9]+ passed,) .*' >"$work/result" || true
    ;;
esac
cp "$work/console" "$log"
lap "powered off"
if ! grep -q '^END ' "$work/result" 2>/dev/null; then
    echo "FAIL the booted system did not finish its test; its console:"
    tail -40 "$work/console"
    cat "$work/result" 2>/dev/null || true
    exit 1
fi
grep -v '^END ' "$work/result"
grep -qx 'END 0' "$work/result"
